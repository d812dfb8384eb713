#include "aface/train/run_results.h"

#include <ATen/Parallel.h>
#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>

#include "aface/core/available_memory.h"
#include "aface/core/file.h"
#include "aface/nn/model_file.h"
#include "aface/recognise/calibration.h"
#include "aface/recognise/model_writer.h"

namespace aface {
namespace {

using Json = nlohmann::ordered_json;

std::string summary_path(const std::string& run_dir) { return run_dir + "/summary.json"; }

// Identities from the one with most images to the one with fewest.
std::vector<std::int64_t> richest_first(const std::vector<std::int64_t>& images) {
  std::vector<std::int64_t> order(images.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return images[static_cast<std::size_t>(a)] > images[static_cast<std::size_t>(b)];
  });
  return order;
}

struct MarginRow {
  std::string identity;
  std::int64_t images = 0;
  float margin = 0;
};

std::vector<MarginRow> margins_richest_first(const FaceDataset& dataset, const at::Tensor& margins) {
  std::vector<MarginRow> rows;
  if (!margins.defined() || margins.numel() == 0) return rows;
  const std::vector<std::int64_t> images = dataset.images_per_identity();
  const float* values = margins.data_ptr<float>();
  for (const std::int64_t identity : richest_first(images)) {
    const auto i = static_cast<std::size_t>(identity);
    rows.push_back({dataset.photos->identity_name(identity), images[i], values[i]});
  }
  return rows;
}

void write_margins(const std::string& path, const std::vector<MarginRow>& rows) {
  std::string text = "identity\timages\tmargin\n";
  for (const MarginRow& row : rows) text += fmt::format("{}\t{}\t{:.6f}\n", row.identity, row.images, row.margin);
  write_file_atomically(path, text);
}

void write_noise_suspects(const std::string& path, const FaceDataset& dataset,
                          const std::vector<NoiseSuspect>& suspects) {
  std::string text = "path\tidentity\tscore\tmean_cosine\ttimes_seen\tlast_was_under_threshold\n";
  for (const NoiseSuspect& suspect : suspects) {
    text += fmt::format("{}\t{}\t{:.4f}\t{:.4f}\t{}\t{}\n", dataset.photos->photo_name(suspect.sample_id),
                        dataset.photos->identity_name(dataset.identity_of(suspect.sample_id)), suspect.score,
                        suspect.mean_cosine, suspect.times_seen, suspect.last_was_under ? 1 : 0);
  }
  write_file_atomically(path, text);
}

Json margin_list(const std::vector<MarginRow>& rows, std::size_t begin, std::size_t end) {
  Json list = Json::array();
  for (std::size_t i = begin; i < end; ++i) {
    list.push_back({{"identity", rows[i].identity}, {"images", rows[i].images}, {"margin", rows[i].margin}});
  }
  return list;
}

Json summary_of(const RunConfig& config, const RunOptions& options, const FaceDataset& dataset,
                const Trainer& trainer, const Progress& progress, const RunResults& results,
                const std::vector<MarginRow>& margins, std::int64_t parameters, const Communicator* ranks) {
  Json summary;
  summary["program"] = options.program_version;
  summary["command"] = options.command_line;
  summary["seed"] = config.train.seed;
  summary["threads"] = at::get_num_threads();
  if (ranks != nullptr) summary["ranks"] = ranks->size();
  summary["steps"] = trainer.steps_done();
  summary["parameters"] = parameters;
  summary["data"] = {{"identities", dataset.num_identities()},
                     {"images", dataset.num_samples()},
                     {"unreadable_images", trainer.bad_images()},
                     {"fingerprint", dataset.fingerprint()}};
  summary["this_session"] = {{"seconds", progress.seconds()},
                             {"images", progress.images()},
                             {"images_per_s", static_cast<double>(progress.images()) / progress.seconds()},
                             {"mean_active_classes", progress.mean_active_classes()},
                             {"peak_memory_bytes", peak_memory()}};
  summary["last_interval"] = results.last_interval;
  if (results.validation) summary["validation"] = Json::parse(to_json(*results.validation));
  if (const auto best = best_of(results.scores)) {
    summary["best_validation"] = {{"step", best->step}, {"accuracy", best->score}};
  }
  if (!margins.empty()) {
    const std::size_t few = std::min<std::size_t>(10, margins.size());
    summary["margins_of_richest"] = margin_list(margins, 0, few);
    summary["margins_of_poorest"] = margin_list(margins, margins.size() - few, margins.size());
  }
  return summary;
}

ModelCard card_of(const RunConfig& config, const RunOptions& options, const FaceDataset& dataset, const Trainer& trainer,
                  const RunResults& results) {
  ModelCard card = card_for(config.backbone);
  card.recipe = fmt::format("{} head, {} classes, {} sampler, {} steps of {} images, {} identities", config.head.kind,
                            config.mining.kind, config.sampler.kind, trainer.steps_done(), config.train.batch_size,
                            dataset.num_identities());
  card.data_fingerprint = dataset.fingerprint();
  card.program = options.program_version.substr(0, options.program_version.find('\n'));
  if (results.validation) {
    const VerificationReport& report = *results.validation;
    const std::filesystem::path pairs = config.validation.pairs;
    const std::string name = pairs.empty() ? "held-out built-in faces"
                                           : (pairs.parent_path().filename() / pairs.filename()).string();
    card.calibration = calibration_of(name, report.genuine, report.pairs - report.genuine, report.tar_at_far);
  }
  return card;
}

}  // namespace

bool has_run_results(const std::string& run_dir) { return file_exists(summary_path(run_dir)); }

void write_run_results(const RunConfig& config, const RunOptions& options, const FaceDataset& dataset,
                       Trainer& trainer, const at::Tensor& all_margins, const std::vector<NoiseSuspect>& suspects,
                       const Progress& progress, const RunResults& results, const Communicator* ranks) {
  const std::string& dir = options.run_dir;
  const std::string model = dir + "/model.safetensors";
  NamedArrays network;
  save_module(trainer.backbone(), "", network);
  write_whole_model(model, network, card_of(config, options, dataset, trainer, results));

  const std::vector<MarginRow> margins = margins_richest_first(dataset, all_margins);
  if (!margins.empty()) write_margins(dir + "/margins.tsv", margins);
  if (config.sampler.kind == "adaptive") {
    write_noise_suspects(dir + "/noise_suspects.tsv", dataset, suspects);
  }
  const std::string summary = summary_path(dir);  // last of all: it says that the rest is there
  write_file_atomically(summary,
                        summary_of(config, options, dataset, trainer, progress, results, margins,
                                   count_parameters(trainer.backbone()), ranks)
                            .dump(2) + "\n");

  if (results.validation) fmt::print("{}\n", to_table(*results.validation));
  fmt::print("run directory: {}\nmodel:         {}\nsummary:       {}\n", dir, model, summary);
  std::fflush(stdout);
}

}  // namespace aface
