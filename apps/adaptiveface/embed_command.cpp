#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/stopwatch.h"
#include "aface/data/photo_input.h"
#include "aface/detect/left_out.h"
#include "aface/recognise/embed_photos.h"
#include "aface/recognise/embedding_writer.h"
#include "aface/recognise/photo_embedder.h"
#include "apps/adaptiveface/command.h"
#include "apps/adaptiveface/detect_flags.h"
#include "apps/adaptiveface/embed_flags.h"
#include "apps/adaptiveface/embed_network.h"
#include "apps/adaptiveface/unit_rows.h"
#include "apps/adaptiveface/unused_photos.h"

namespace aface {
namespace {

namespace fs = std::filesystem;

struct EmbedCommandFlags {
  std::shared_ptr<EmbedFlags> embed;
  std::shared_ptr<DetectFlags> detect;
  std::string images;
  std::string list;
  std::string out;
  std::string out_list;  // of .npy
  std::string bad_list;
  std::string on_bad_image = "fail";
  bool normalize = false;

  bool is_jsonl() const { return fs::path(out).extension() == ".jsonl"; }
};

// Said before hours of work, not after.
void require_folder_of(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().string();
  if (folder.empty() || folder_exists(folder)) return;
  throw Error(ErrorKind::kIo, fmt::format("{}: the folder '{}' does not exist; make it first", path, folder));
}

void complete_and_check(EmbedCommandFlags& flags) {
  if (flags.is_jsonl() && !flags.out_list.empty()) {
    throw Error(ErrorKind::kUsage,
                "--out-list: names are in the .jsonl itself; leave it out, or write a .npy");
  }
  if (!flags.is_jsonl() && flags.out_list.empty())
    flags.out_list = fs::path(flags.out).replace_extension(".txt").string();
  const std::vector<std::pair<const char*, std::string>> outputs = {
      {"--out", flags.out}, {"--out-list", flags.out_list}, {"--bad-list", flags.bad_list}};
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].second.empty()) continue;
    require_folder_of(outputs[i].second);
    for (std::size_t k = 0; k <= i; ++k) {
      const bool is_list = k == i;
      if (outputs[i].second != (is_list ? flags.list : outputs[k].second)) continue;
      throw Error(ErrorKind::kUsage,
                  fmt::format("{}: '{}' is the {} file too; choose another name", outputs[i].first,
                              outputs[i].second, is_list ? "--list" : outputs[k].first));
    }
  }
}

// Rows on their way from the network to the file.
class RowSink {
 public:
  RowSink(const EmbedCommandFlags& flags, const PhotoInput& input, const EmbedNetwork& network)
      : flags_(flags), input_(input), unused_("embed", leave_out_rule(*flags.detect, flags.on_bad_image)) {
    writer_ = flags.is_jsonl() ? make_jsonl_writer(flags.out, network.digest)
                               : make_npy_writer(flags.out, flags.out_list, network.card.dim());
  }

  void take(const PhotoRows& photo) {
    if (photo.error != nullptr) {
      unused_.add(input_, photo.photo, *photo.error);
      return;
    }
    EmbeddingRow row;
    row.photo = input_.photos->photo_name(photo.photo);
    for (std::size_t i = 0; i < photo.rows.rows; ++i) {
      values_.assign(photo.rows.row(i), photo.rows.row(i) + photo.rows.dim);
      if (flags_.normalize) scale_to_length_one(values_.data(), values_.size(), {row.photo});
      row.number = static_cast<std::int64_t>(i) + 1;
      row.face = photo.faces[i];
      row.values = values_;
      writer_->add(row);
    }
  }

  void finish() {
    unused_.tell_number();
    if (writer_->rows() == 0) {
      throw Error(ErrorKind::kData,
                  fmt::format("{}: none of the {} photos gave an embedding ({}: {})", flags_.images,
                              input_.count, unused_.list().front().name, unused_.list().front().reason));
    }
    if (!flags_.bad_list.empty()) write_left_out(flags_.bad_list, unused_.list());
    writer_->finish();
  }

  std::int64_t rows() const { return writer_->rows(); }
  std::size_t left_out() const { return unused_.list().size(); }

 private:
  const EmbedCommandFlags& flags_;
  const PhotoInput& input_;
  UnusedPhotos unused_;
  std::unique_ptr<EmbeddingWriter> writer_;
  std::vector<float> values_;
};

int run_embed(EmbedCommandFlags& flags) {
  complete_and_check(flags);
  const PhotoInput input = open_photos(flags.images, flags.list);
  const EmbedNetwork network = open_network(*flags.embed);
  const FaceCutter cutter = make_cutter(network.card, embedder_options(*flags.detect));
  RowSink sink(flags, input, network);
  EmbedPhotosOptions options;
  options.batch_size = flags.embed->batch_size;
  options.workers = flags.embed->workers;
  const auto progress = embed_progress(input.count);
  Stopwatch watch;
  embed_photos(input, cutter, network.card.dim(), network.embed, options, [&](const PhotoRows& photo) {
    sink.take(photo);
    progress(photo.photo + 1);
  });
  sink.finish();
  const double seconds = watch.lap();
  fmt::print("{}: {} embeddings of {} numbers{}; left out {}; {:.1f} s, {:.0f} photos/s\n", flags.out,
             sink.rows(), network.card.dim(), flags.is_jsonl() ? "" : "; names in " + flags.out_list,
             sink.left_out(), seconds, static_cast<double>(input.count) / seconds);
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto flags = std::make_shared<EmbedCommandFlags>();
  flags->embed = add_embed_flags(app);
  app.get_option("--model")->required();
  app.add_option("--images,PHOTOS", flags->images,
                 "folder of photos, at any depth; or a .rec, a .tar, a folder of these, a verification set "
                 "(.bin), or one "
                 "photo. Without --detector they are aligned face chips")
      ->required();
  app.add_option("--list", flags->list,
                 "file with one path a line, relative to --images (text after a tab is ignored); "
                 "without it all images under --images, sorted by name");
  flags->detect = add_detect_flags(app);
  app.add_option(
         "--out", flags->out,
         "where the embeddings go: .npy, float32, one row a face; or .jsonl, one object a face with path, "
         "number, box, score, landmarks, digest of the model, and embedding")
      ->required();
  app.add_option(
      "--out-list", flags->out_list,
      "where the names of the rows of a .npy go, with --detector also number, box and score of the face, "
      "after tabs; without it --out with the ending .txt");
  app.add_option("--bad-list", flags->bad_list, "table of the photos without a row and why");
  app.add_option("--on-bad-image", flags->on_bad_image,
                 "a photo that cannot be read: stop, or leave out and report")
      ->check(CLI::IsMember({"fail", "skip"}))
      ->capture_default_str();
  app.add_flag("--normalize", flags->normalize, "scale every row to length 1");
  app.footer(
      "Row i of a .npy belongs to line i of its list. Files appear whole or not at all.\n"
      "Examples:\n"
      "  adaptiveface embed --model model.safetensors --images chips --out chips.npy\n"
      "  adaptiveface embed --model model.safetensors --detector face_detection_yunet_2023mar.onnx --many "
      "all "
      "photos --out faces.jsonl");
  return [flags] { return run_embed(*flags); };
}

}  // namespace

Command embed_command() {
  return {"embed", "Turn photos or face chips into embeddings with a trained model", set_up};
}

}  // namespace aface
