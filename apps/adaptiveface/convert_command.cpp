#include <fmt/core.h>

#include <filesystem>
#include <memory>
#include <string>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/data/convert.h"
#include "aface/data/face_dataset.h"
#include "aface/data/verification_folder.h"
#include "apps/adaptiveface/command.h"

namespace aface {
namespace {

namespace fs = std::filesystem;

struct ConvertFlags {
  std::string source, target;
  std::string to;     // or "": by the name of the target
  std::string list;   // of the source
  std::string pairs;  // of the source
  bool is_plain = false;
  std::int64_t min_images = 1;
  std::int64_t shard_mb = 1000;
};

bool is_bin(const std::string& path) { return fs::path(path).extension() == ".bin"; }

std::string kind_of_target(const ConvertFlags& flags) {
  if (!flags.to.empty()) return flags.to;
  const std::string extension = fs::path(flags.target).extension().string();
  if (extension == ".rec" || extension == ".tar" || extension == ".bin") return extension.substr(1);
  return extension == ".tsv" || extension == ".txt" || extension == ".lst" ? "list" : "folder";
}

void print(const VerificationCopy& copy, const std::string& target) {
  fmt::print("written and read back: {}  pairs {}  pictures {}\n", target, copy.pairs, copy.pictures);
}

int run_convert(const ConvertFlags& flags) {
  const std::string to = kind_of_target(flags);
  if (is_bin(flags.source) && file_exists(flags.source)) {
    if (to != "folder") {
      throw Error(
          ErrorKind::kUsage,
          fmt::format("{}: a verification set becomes a folder with pairs.txt, not {}", flags.source, to));
    }
    print(unpack_verification_bin(flags.source, flags.target), flags.target);
    return 0;
  }
  if (to == "bin") {
    print(pack_verification_bin(flags.source, flags.pairs.empty() ? flags.source + "/pairs.txt" : flags.pairs,
                                flags.target),
          flags.target);
    return 0;
  }
  if (!flags.pairs.empty()) {
    throw Error(ErrorKind::kUsage, "--pairs goes with a verification set (.bin) as DST");
  }
  // Said here in the words of this command; further down the options of a recipe would be named.
  const bool is_packed = flags.list.empty() && source_of(flags.source) != "folder";
  if (!is_packed && !folder_exists(flags.source)) {
    throw Error(ErrorKind::kIo,
                file_exists(flags.source)
                    ? fmt::format("{}: a file, but no .rec, .tar or .bin; name one of these or a folder as SRC", flags.source)
                    : fmt::format("{}: no such folder; check SRC", flags.source));
  }
  ConvertOptions options;
  options.from.source = flags.list.empty() ? source_of(flags.source) : "list";
  options.from.root = flags.source;
  options.from.list = flags.list;
  options.from.min_images = flags.min_images;
  options.to = to;
  options.to_path = flags.target;
  options.is_plain = flags.is_plain;
  options.shard_bytes = flags.shard_mb * 1'000'000;
  const ConvertReport report = convert_photos(options);
  fmt::print("written and read back: {}  photos {}  identities {}  picture bytes {}\n", flags.target,
             report.images, report.identities, report.bytes);
  if (!report.remark.empty()) fmt::print("{}: {}\n", flags.target, report.remark);
  return 0;
}

std::function<int()> setup(CLI::App& app) {
  const auto flags = std::make_shared<ConvertFlags>();
  app.add_option("SRC", flags->source,
                 "Folder with one sub-folder per identity, root of --list, .rec, tar archives (a folder of "
                 "them, one, or "
                 "name.tar for name-000000.tar ...), or a verification set: .bin, or a folder with pairs.txt")
      ->required();
  app.add_option("DST", flags->target, "What to write; its ending says what it becomes, unless --to does")
      ->required();
  app.add_option("--to", flags->to, "folder, list (path<TAB>identity), rec, tar or bin")
      ->check(CLI::IsMember({"folder", "list", "rec", "tar", "bin"}));
  app.add_option("--list", flags->list, "List of lines path<TAB>identity, paths relative to SRC");
  app.add_option("--pairs", flags->pairs,
                 "List of pairs for a .bin, in any form that evaluate pairs takes; default SRC/pairs.txt");
  app.add_option("--min-images", flags->min_images, "Leave out identities with fewer images")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_flag("--plain", flags->is_plain,
               "rec: images only, without insightface's ranges of keys, as DALI wants it");
  app.add_option("--shard-mb", flags->shard_mb, "tar: begin a new archive before this many million bytes")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  app.footer(
      "Pictures are copied byte for byte. What was written is read back and compared before the command says "
      "so. DST must "
      "not be there yet.\n"
      "Examples:\n"
      "  adaptiveface convert faces_webface_112x112/train.rec faces      identities as folders\n"
      "  adaptiveface convert faces packed/train.rec                     with train.idx and property\n"
      "  adaptiveface convert packed/train.rec shards/faces.tar --shard-mb 500\n"
      "  adaptiveface convert lfw.bin lfw                                pictures and pairs.txt\n"
      "  adaptiveface convert lfw lfw_copy.bin");
  return [flags] { return run_convert(*flags); };
}

}  // namespace

Command convert_command() {
  return {"convert", "Copy photos between folders, lists, .rec, tar archives and .bin sets", setup};
}

}  // namespace aface
