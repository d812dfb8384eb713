#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/log.h"
#include "aface/eval/scores.h"
#include "aface/eval/verification.h"
#include "aface/graph/graph.h"
#include "aface/model/model_file.h"
#include "aface/onnx_export/onnx_file.h"
#include "aface/onnx_export/opencv_network.h"
#include "aface/recognise/recogniser.h"
#include "aface/recognise/views.h"
#include "apps/adaptiveface/command.h"
#include "apps/adaptiveface/pair_input.h"

namespace aface {
namespace {

constexpr double kAllowed = 1e-4;  // cosines may differ by this much

struct ExportFlags {
  std::string model, onnx, pairs, extension = ".jpg", images;
  int threads = 0;
};

// A network read back from an exported file, under our preprocessing and flip rule.
ChipNetwork read_back(const std::string& path, const ModelCard& card) {
  const auto network = std::make_shared<OpenCvNetwork>(path);
  ChipNetwork chips;
  chips.size_px = card.input_size();
  chips.dim = card.dim();
  chips.embed = [network, card](Span<const std::uint8_t> pixels, std::int64_t count, float* rows) {
    embed_views(card, pixels.data(), count, /*threads=*/1, rows,
                [&](const float* inputs, std::int64_t views, float* outputs) {
                  network->run(inputs, views, card.input_size(), outputs, card.dim());
                });
  };
  return chips;
}

double cosine_distance(const float* a, const float* b, std::int64_t dim) {
  double ab = 0, aa = 0, bb = 0;
  for (std::int64_t i = 0; i < dim; ++i) {
    ab += static_cast<double>(a[i]) * b[i];
    aa += static_cast<double>(a[i]) * a[i];
    bb += static_cast<double>(b[i]) * b[i];
  }
  return 1 - ab / std::sqrt(aa * bb);
}

void require_small(double difference, const std::string& what, const std::string& path) {
  if (difference <= kAllowed) return;  // false for NaN too
  throw Error(ErrorKind::kNumeric,
              fmt::format("{}: {} differ by {:.2e} in cosine between the model and the exported file "
                          "(allowed {:g}); the file was not kept",
                          path, what, difference, kAllowed));
}

void check_reference_chip(const Model& model, const ChipNetwork& exported, const std::string& path) {
  std::vector<float> row(static_cast<std::size_t>(exported.dim));
  exported.embed(model.reference_chip.pixels, 1, row.data());
  const double difference = cosine_distance(row.data(), model.reference_embedding.data(), exported.dim);
  fmt::print("reference chip       cosine differs by {:.2e} through OpenCV's DNN\n", std::abs(difference));
  require_small(std::abs(difference), "the embeddings of the reference chip", path);
}

VerificationReport judged(const std::vector<float>& scores, const PairList& list) {
  return verify_pairs(scores, same_flags(list), list.folds);
}

// Every pair by both: the model, and the file as another program reads it.
void check_pairs(const ExportFlags& flags, const ChipNetwork& exported, const std::string& path) {
  const PairInput pairs = read_pair_input(flags.pairs, flags.extension);
  EmbeddingFlags source;
  source.embed = std::make_shared<EmbedFlags>();
  source.embed->model = flags.model;
  source.embed->threads = flags.threads;
  source.images = flags.images;
  const std::vector<float> ours =
      score_unit_pairs(load_embeddings(source, "export", pairs).view(), pairs.list);
  source.embed->network = exported;
  const std::vector<float> theirs =
      score_unit_pairs(load_embeddings(source, "export", pairs).view(), pairs.list);
  double most = 0;
  for (std::size_t i = 0; i < ours.size(); ++i)
    most = std::max(most, std::abs(static_cast<double>(ours[i]) - theirs[i]));
  fmt::print("{} pairs  cosines differ by {:.2e} at most\n", ours.size(), most);
  if (pairs.list.folds >= 2) {
    const VerificationReport a = judged(ours, pairs.list), b = judged(theirs, pairs.list);
    fmt::print("accuracy             {:.3f} % by the model, {:.3f} % by the exported file\n",
               100 * a.accuracy_mean, 100 * b.accuracy_mean);
  }
  require_small(most, "scores", path);
}

// Under another name until it has been checked.
class Unchecked {
 public:
  explicit Unchecked(std::string path) : path_(std::move(path)), temporary_(path_ + ".unchecked.onnx") {}
  ~Unchecked() {
    std::error_code ignored;
    std::filesystem::remove(temporary_, ignored);
  }
  Unchecked(const Unchecked&) = delete;
  Unchecked& operator=(const Unchecked&) = delete;
  const std::string& temporary() const { return temporary_; }
  void keep() const { std::filesystem::rename(temporary_, path_); }

 private:
  const std::string path_, temporary_;
};

int run(const ExportFlags& flags) {
  if (flags.pairs.empty() != flags.images.empty() && !is_verification_bin(flags.pairs)) {
    throw Error(ErrorKind::kUsage, "--pairs and --images go together; give both or none");
  }
  const Model model = read_model(flags.model);
  check_reference(Recogniser(model, {flags.threads}), model);
  const Graph graph = make_graph(model.card.network, model.network);
  const Unchecked file(flags.onnx);
  write_onnx(file.temporary(), graph, model);
  const ChipNetwork exported = read_back(file.temporary(), model.card);
  check_reference_chip(model, exported, flags.onnx);
  if (!flags.pairs.empty()) check_pairs(flags, exported, flags.onnx);
  file.keep();
  fmt::print("{}: {}, input '{}' [batch, 3, {}, {}], output '{}' [batch, {}]\n", flags.onnx,
             model.card.network.kind, kOnnxInput, model.card.input_size(), model.card.input_size(),
             kOnnxOutput, model.card.dim());
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  const auto flags = std::make_shared<ExportFlags>();
  app.add_option("MODEL", flags->model, "model file (.safetensors)")->required();
  app.add_option("--onnx", flags->onnx, "the ONNX file to write")->required();
  add_pair_flags(app, flags->pairs, flags->extension);
  app.add_option("--images", flags->images,
                 "folder of aligned face chips, as the list of --pairs names them");
  app.add_option("--threads", flags->threads, "threads of the network; 0: all cores")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.footer(
      "Batch normalisation is folded into its neighbours, the batch may have any size. The file takes chips "
      "as numbers\n"
      "(value - mean) / scale and gives embeddings that are not scaled to length 1; what to do before and "
      "after is in its\n"
      "metadata (docs/model.md). It is read back through OpenCV's DNN, which must give the reference chip, "
      "and every pair\n"
      "where there are some, the same cosine to 1e-4; otherwise no file is left (exit code 4).\n"
      "Example:  adaptiveface export m.safetensors --onnx m.onnx --pairs pairs.txt --images chips");
  return [flags] { return run(*flags); };
}

}  // namespace

Command export_command() {
  return {"export", "Write a model's network as an ONNX file and check what others make of it", set_up};
}

}  // namespace aface
