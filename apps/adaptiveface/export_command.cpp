#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/parallel.h"
#include "aface/eval/scores.h"
#include "aface/eval/verification.h"
#include "aface/graph/graph.h"
#include "aface/model/model_file.h"
#include "aface/onnx_export/onnx_file.h"
#include "aface/onnx_export/opencv_network.h"
#include "aface/quantise/activations.h"
#include "aface/quantise/eight_bits.h"
#include "aface/recognise/recogniser.h"
#include "aface/recognise/views.h"
#include "apps/adaptiveface/calibration_input.h"
#include "apps/adaptiveface/command.h"
#include "apps/adaptiveface/pair_input.h"

namespace aface {
namespace {

// How much cosines may differ between the model and the file.
constexpr double kAllowed = 1e-4;
// Of the reference chip in eight bits: what is further off is broken, not coarse. Whether what is nearer is
// good enough, pairs must tell.
constexpr double kAllowedInEightBits = 0.1;

struct ExportFlags {
  std::string model, onnx, pairs, extension = ".jpg", images;
  int threads = 0;
  bool in_eight_bits = false;
  CalibrationFlags calibration;
  std::string ranges = "least-squares";
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

void require_small(double difference, double allowed, const std::string& what, const std::string& path) {
  if (difference <= allowed) return;  // false for NaN too
  throw Error(ErrorKind::kNumeric,
              fmt::format("{}: {} differ by {:.2e} in cosine between the model and the exported file "
                          "(allowed {:g}); the file was not kept",
                          path, what, difference, allowed));
}

void check_reference_chip(const Model& model, const ChipNetwork& exported, double allowed,
                          const std::string& path) {
  std::vector<float> row(static_cast<std::size_t>(exported.dim));
  exported.embed(model.reference_chip.pixels, 1, row.data());
  const double difference =
      std::abs(cosine_distance(row.data(), model.reference_embedding.data(), exported.dim));
  fmt::print("reference chip       cosine differs by {:.2e} through OpenCV's DNN\n", difference);
  require_small(difference, allowed, "the embeddings of the reference chip", path);
}

void print_both(const std::string& what, double by_model, double by_file) {
  fmt::print("{:<20} {:.3f} % by the model, {:.3f} % by the exported file\n", what, 100 * by_model,
             100 * by_file);
}

// Where there are folds.
void print_accuracy(const std::vector<float>& ours, const std::vector<float>& theirs, const PairList& list) {
  if (list.folds < 2) return;
  const VerificationReport a = verify_pairs(ours, same_flags(list), list.folds),
                           b = verify_pairs(theirs, same_flags(list), list.folds);
  print_both("accuracy", a.accuracy_mean, b.accuracy_mean);
  for (std::size_t i = 0; i < a.tar_at_far.size(); ++i) {
    if (std::isnan(a.tar_at_far[i].tar)) continue;
    print_both(fmt::format("TAR at FAR {:g}", a.tar_at_far[i].far), a.tar_at_far[i].tar, b.tar_at_far[i].tar);
  }
}

// Every pair by both: the model, and the file as another program reads it. Returns the largest difference.
double compare_pairs(const ExportFlags& flags, const ChipNetwork& exported) {
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
  double most = 0, sum = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const double difference = std::abs(static_cast<double>(ours[i]) - theirs[i]);
    most = std::max(most, difference);
    sum += difference;
  }
  fmt::print("{} pairs  cosines differ by {:.2e} at most, {:.2e} on average\n", ours.size(), most,
             sum / static_cast<double>(ours.size()));
  print_accuracy(ours, theirs, pairs.list);
  return most;
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

void check_flags(const ExportFlags& flags) {
  if (flags.pairs.empty() != flags.images.empty() && !is_verification_bin(flags.pairs)) {
    throw Error(ErrorKind::kUsage, "--pairs and --images go together; give both or none");
  }
  const bool has_faces = !flags.calibration.faces.empty() || !flags.calibration.list.empty();
  if (flags.in_eight_bits != has_faces) {
    throw Error(ErrorKind::kUsage,
                "--int8 and --calibration go together: the range of every value is learnt from faces");
  }
}

void export_float(const ExportFlags& flags, const Model& model, const Graph& graph) {
  const Unchecked file(flags.onnx);
  write_onnx(file.temporary(), graph, model);
  const ChipNetwork exported = read_back(file.temporary(), model.card);
  check_reference_chip(model, exported, kAllowed, flags.onnx);
  if (!flags.pairs.empty()) require_small(compare_pairs(flags, exported), kAllowed, "scores", flags.onnx);
  file.keep();
}

// Bytes of the file that export_float() would write.
std::uintmax_t float_size(const ExportFlags& flags, const Model& model, const Graph& graph) {
  const Unchecked file(flags.onnx);
  write_onnx(file.temporary(), graph, model);
  return std::filesystem::file_size(file.temporary());
}

void export_eight_bits(const ExportFlags& flags, const Model& model, const Graph& graph) {
  const RangeRule rule = flags.ranges == "all" ? RangeRule::kAll : RangeRule::kLeastSquares;
  Activations activations(graph, flags.threads > 0 ? flags.threads : hardware_threads());
  const std::int64_t faces = measure_activations(flags.calibration, model.card, activations);
  fmt::print("calibration          {} of {} faces\n", std::min(faces, flags.calibration.chips), faces);
  const EightBits bits = quantise(graph, activations, rule);
  const double bytes_in_float = static_cast<double>(float_size(flags, model, graph));
  const Unchecked file(flags.onnx);
  write_onnx(file.temporary(), graph, model, &bits);
  const ChipNetwork exported = read_back(file.temporary(), model.card);
  check_reference_chip(model, exported, kAllowedInEightBits, flags.onnx);
  if (!flags.pairs.empty()) compare_pairs(flags, exported);
  file.keep();
  const double bytes = static_cast<double>(std::filesystem::file_size(flags.onnx));
  fmt::print("file                 {:.2f} MB, {:.2f} MB in float\n", bytes / 1e6, bytes_in_float / 1e6);
}

int run(const ExportFlags& flags) {
  check_flags(flags);
  const Model model = read_model(flags.model);
  check_reference(Recogniser(model, {flags.threads}), model);
  const Graph graph = make_graph(model.card.network, model.network);
  flags.in_eight_bits ? export_eight_bits(flags, model, graph) : export_float(flags, model, graph);
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
  app.add_flag("--int8", flags->in_eight_bits, "in eight-bit codes, a quarter of the size");
  add_calibration_flags(app, flags->calibration);
  app.add_option("--ranges", flags->ranges,
                 "of values in eight bits: least-squares cuts off rare large ones where that makes the error "
                 "smaller, all keeps every value that was seen")
      ->check(CLI::IsMember({"least-squares", "all"}))
      ->capture_default_str();
  app.add_option("--threads", flags->threads, "threads of the network; 0: all cores")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.footer(
      "Batch normalisation is folded into its neighbours, the batch may have any size. The file takes chips as\n"
      "numbers (value - mean) / scale and gives embeddings that are not scaled to length 1; what to do before\n"
      "and after is in its metadata (docs/model.md). It is read back through OpenCV's DNN, which must give the\n"
      "reference chip, and every pair where there are some, the same cosine to 1e-4; otherwise no file is left\n"
      "(exit code 4). With --int8 what is lost is printed, and only a reference chip below a cosine of 0.9\n"
      "leaves no file.\n"
      "Examples:\n"
      "  adaptiveface export m.safetensors --onnx m.onnx --pairs pairs.txt --images chips\n"
      "  adaptiveface export m.safetensors --onnx m8.onnx --int8 --calibration chips");
  return [flags] { return run(*flags); };
}

}  // namespace

Command export_command() {
  return {"export", "Write a model's network as an ONNX file and check what others make of it", set_up};
}

}  // namespace aface
