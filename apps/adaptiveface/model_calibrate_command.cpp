#include <fmt/core.h>

#include <filesystem>
#include <memory>

#include "aface/core/error.h"
#include "aface/eval/far_targets.h"
#include "aface/eval/roc.h"
#include "aface/eval/scores.h"
#include "aface/model/model_file.h"
#include "aface/recognise/calibration.h"
#include "apps/adaptiveface/evaluation_flags.h"
#include "apps/adaptiveface/model_commands.h"
#include "apps/adaptiveface/pair_input.h"

namespace aface {
namespace {

struct CalibrateFlags {
  std::string model, out, pairs, extension = ".jpg", name;
  std::vector<double> far_targets = {1e-1, 1e-2, 1e-3, 1e-4};
  EmbeddingFlags source;
};

Calibration measure(const CalibrateFlags& flags) {
  const std::vector<double> targets = checked_targets(flags.far_targets);
  const PairInput pairs = read_pair_input(flags.pairs, flags.extension);
  const UnitEmbeddings embeddings = load_embeddings(flags.source, "model calibrate", pairs);
  const std::vector<float> scores = score_unit_pairs(embeddings.view(), pairs.list);
  std::vector<float> genuine, impostor;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    (pairs.list.pairs[i].same_identity ? genuine : impostor).push_back(scores[i]);
  }
  const std::string name =
      flags.name.empty() ? std::filesystem::path(flags.pairs).filename().string() : flags.name;
  const Calibration calibration =
      calibration_of(name, static_cast<std::int64_t>(genuine.size()),
                     static_cast<std::int64_t>(impostor.size()), tar_at_far(genuine, impostor, targets));
  if (calibration.thresholds.empty()) {
    throw Error(ErrorKind::kData, fmt::format("{}: {}; take more pairs or a looser target", flags.pairs,
                                              unmeasurable_far(targets.front(), impostor.size())));
  }
  return calibration;
}

int run(CalibrateFlags& flags) {
  Model model = read_model(flags.model);
  flags.source.embed->model = flags.model;
  model.card.calibration = measure(flags);
  write_model(flags.out, model);
  fmt::print("{}: thresholds measured on {} ({} pairs of one person, {} of two)\n", flags.out,
             model.card.calibration.measured_on, model.card.calibration.genuine,
             model.card.calibration.impostor);
  for (const FarThreshold& row : model.card.calibration.thresholds) {
    fmt::print("  FAR {:<8g} cosine >= {:.4f}   TAR {:.4f}\n", row.far, row.threshold, row.tar);
  }
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  const auto flags = std::make_shared<CalibrateFlags>();
  flags->source.embed = std::make_shared<EmbedFlags>();
  app.add_option("MODEL", flags->model, "model file (.safetensors)")->required();
  app.add_option("--out", flags->out, "where the model with its thresholds goes; may be MODEL itself")
      ->required();
  add_pair_flags(app, flags->pairs, flags->extension);
  app.get_option("--pairs")->required();
  app.add_option("--images", flags->source.images, "folder of aligned face chips, as the list names them");
  app.add_option("--name", flags->name,
                 "what the pairs are called in the file; without it their file's name");
  add_targets_flag(
      app, "--far", flags->far_targets,
      "share of pairs of two people that may be accepted; those that the pairs are too few for are left out");
  app.add_option("--threads", flags->source.embed->threads, "threads of the network; 0: all cores")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.footer(
      "The threshold for a target is the smallest cosine that keeps the share of accepted pairs of two people at\n"
      "or below it, over all pairs, as 'evaluate pairs' reports it. Embeddings, and galleries, are not touched\n"
      "by new thresholds.\n"
      "Example:\n"
      "  adaptiveface model calibrate m.safetensors --pairs pairs.txt --images chips --out m.safetensors");
  return [flags] { return run(*flags); };
}

}  // namespace

Command model_calibrate_command() {
  return {"calibrate", "Measure a model's thresholds on pairs and note them in it", set_up};
}

}  // namespace aface
