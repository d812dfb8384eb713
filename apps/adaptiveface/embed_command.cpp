#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/log.h"
#include "aface/eval/scores.h"
#include "aface/io/npy.h"
#include "aface/io/text_list.h"
#include "apps/adaptiveface/command.h"
#include "apps/adaptiveface/embed_flags.h"

namespace aface {
namespace {

struct EmbedCommandFlags {
  std::shared_ptr<EmbedFlags> embed;
  std::string images;
  std::string list;
  std::string out;
  std::string out_list;
  std::string on_bad_image = "fail";
  bool normalize = false;
};

std::string default_list_path(const std::string& out) {
  return std::filesystem::path(out).replace_extension(".txt").string();
}

void report_bad_images(const EmbeddingMatrix& matrix) {
  constexpr std::size_t kShown = 3;
  if (matrix.bad_images.empty()) return;
  for (std::size_t i = 0; i < std::min(kShown, matrix.bad_images.size()); ++i) {
    log_warning("embed", "left out: {}", matrix.bad_images[i].what());
  }
  log_warning("embed", "no row for {} images that could not be read", matrix.bad_images.size());
}

void normalise_rows(EmbeddingMatrix& matrix, const std::vector<std::string>& names) {
  const std::vector<double> norms = embedding_norms(matrix.view(), names);
  for (std::size_t i = 0; i < matrix.values.size(); ++i) {
    matrix.values[i] = static_cast<float>(matrix.values[i] / norms[i / static_cast<std::size_t>(matrix.dim)]);
  }
}

// Said before hours of work, not after.
void require_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty() || folder_exists(folder)) return;
  throw Error(ErrorKind::kIo, fmt::format("{}: the folder '{}' does not exist; make it first", path, folder));
}

// A new matrix beside an old list would give rows the wrong names, so neither stays when the second fails.
void write_both(const std::string& out, const EmbeddingMatrix& matrix, const std::string& out_list,
                const std::vector<std::string>& names) {
  write_npy_matrix(out, matrix.view());
  try {
    write_text_list(out_list, names);
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(out, ignored);
    throw;
  }
}

int run_embed(const EmbedCommandFlags& flags) {
  const std::string out_list = flags.out_list.empty() ? default_list_path(flags.out) : flags.out_list;
  if (out_list == flags.out || out_list == flags.list) {
    throw Error(ErrorKind::kUsage, fmt::format("--out-list: '{}' is {} file too; choose another name",
                                               out_list, out_list == flags.out ? "the --out" : "the --list"));
  }
  require_folder_of(flags.out);
  require_folder_of(out_list);
  const std::vector<std::string> paths =
      flags.list.empty() ? list_images(flags.images) : read_text_list(flags.list);
  EmbeddingMatrix matrix =
      embed_with_model(*flags.embed, flags.images, paths,
                       flags.on_bad_image == "skip" ? OnBadImage::kSkip : OnBadImage::kFail);
  report_bad_images(matrix);

  std::vector<std::string> names;
  for (const std::int64_t id : matrix.path_ids) names.push_back(paths[static_cast<std::size_t>(id)]);
  if (flags.normalize) normalise_rows(matrix, names);
  write_both(flags.out, matrix, out_list, names);
  fmt::print("{}: {} embeddings of {} numbers; names in {}\n", flags.out, matrix.rows(), matrix.dim,
             out_list);
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto flags = std::make_shared<EmbedCommandFlags>();
  flags->embed = add_embed_flags(app);
  app.get_option("--model")->required();
  app.add_option("--images", flags->images, "folder of aligned face chips (.jpg or .png)")->required();
  app.add_option("--list", flags->list,
                 "file with one path a line, relative to --images (text after a tab is ignored); "
                 "without it all images under --images, sorted by name");
  app.add_option("--out", flags->out, "where the embeddings go: .npy, float32, one row an image")->required();
  app.add_option("--out-list", flags->out_list,
                 "where the names of the rows go; without it --out with the ending .txt");
  app.add_option("--on-bad-image", flags->on_bad_image,
                 "an image that cannot be read: stop, or leave out and report")
      ->check(CLI::IsMember({"fail", "skip"}))
      ->capture_default_str();
  app.add_flag("--normalize", flags->normalize, "scale every row to length 1");
  app.footer(
      "Row i of the matrix belongs to line i of the list. Both files appear whole or not at all.\n"
      "Example:  adaptiveface embed --model model.safetensors --images chips --out chips.npy");
  return [flags] { return run_embed(*flags); };
}

}  // namespace

Command embed_command() { return {"embed", "Turn face chips into embeddings with a trained model", set_up}; }

}  // namespace aface
