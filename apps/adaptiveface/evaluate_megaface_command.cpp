#include <fmt/core.h>

#include <filesystem>
#include <map>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/log.h"
#include "aface/eval/megaface.h"
#include "aface/io/megaface_lists.h"
#include "aface/io/path_match.h"
#include "aface/io/row_source.h"
#include "apps/adaptiveface/evaluate_protocols.h"
#include "apps/adaptiveface/evaluation_flags.h"
#include "apps/adaptiveface/number_range.h"

namespace aface {
namespace {

struct MegafaceFlags {
  std::string probe_list;
  std::vector<std::string> distractor_lists;
  std::string probe_features;
  std::string distractor_features;
  std::string suffix = ".bin";
  std::string noise_lists;
  std::string noise_rule = "insightface";
  std::string on_bad = "fail";
  std::string json;
  MegafaceOptions options;
};

const std::map<std::string, NoiseRule>& noise_rules() {
  static const std::map<std::string, NoiseRule> rules = {{"insightface", NoiseRule::kInsightface},
                                                         {"facexzoo", NoiseRule::kFacexZoo}};
  return rules;
}

// A folder of feature files, or a matrix with a row for each name.
std::shared_ptr<const RowSource> open_features(const std::string& features, const std::string& list,
                                               const std::vector<std::string>& names,
                                               const std::string& suffix) {
  if (std::filesystem::is_directory(features)) return open_feature_folder(features, names, suffix);
  std::shared_ptr<const RowSource> rows = open_npy_rows(features);
  if (rows->rows() != names.size()) {
    throw Error(
        ErrorKind::kData,
        fmt::format(
            "{}: {} rows but {} lists {} images (expected one row each); use the list that the features "
            "were made from",
            features, rows->rows(), list, names.size()));
  }
  return rows;
}

// The probes in memory, refined when there are noise lists.
struct LoadedProbes {
  MegafaceProbes probes;
  std::vector<float> values;
  std::int64_t replaced = 0;
};

LoadedProbes load_probes(const MegafaceFlags& flags, const MegafaceNoise* noise) {
  LoadedProbes loaded;
  MegafaceProbes& probes = loaded.probes;
  MegafaceList list = read_megaface_list(flags.probe_list);
  if (list.ids.empty()) {
    throw Error(ErrorKind::kFormat,
                flags.probe_list + ": no \"id\" for the paths; a probe list says who is on each image");
  }
  std::map<std::string, std::int32_t> identities;
  for (const std::string& id : list.ids) identities.emplace(id, 0);
  for (auto& [name, number] : identities) {
    number = static_cast<std::int32_t>(probes.identity_names.size());
    probes.identity_names.push_back(name);
  }
  for (const std::string& id : list.ids) probes.identities.push_back(identities.at(id));
  probes.paths = std::move(list.paths);

  const auto rows = open_features(flags.probe_features, flags.probe_list, probes.paths, flags.suffix);
  std::vector<float> buffer;
  const RowMatrix all = rows->read(0, rows->rows(), buffer);
  loaded.values.assign(all.data, all.data + all.rows * all.dim);
  if (noise != nullptr) {
    loaded.replaced =
        replace_noisy_probes(loaded.values, all.dim, probes, mark_noise(probes.paths, noise->probes),
                             noise_rules().at(flags.noise_rule), flags.options.bootstrap.seed);
  }
  probes.rows = {loaded.values.data(), all.rows, all.dim};
  return loaded;
}

int run_megaface(const MegafaceFlags& flags) {
  MegafaceOptions options = flags.options;
  options.noise_rule = noise_rules().at(flags.noise_rule);
  options.skip_bad = flags.on_bad == "no-match";
  options.bootstrap.threads = options.threads;
  MegafaceNoise noise;
  if (!flags.noise_lists.empty()) noise = read_megaface_noise(flags.noise_lists);
  const LoadedProbes loaded = load_probes(flags, flags.noise_lists.empty() ? nullptr : &noise);

  // A matrix has its rows in the order of the first list; the other lists name some of the same images.
  const bool is_folder = std::filesystem::is_directory(flags.distractor_features);
  std::shared_ptr<const RowSource> first_rows;
  std::vector<std::string> first_names;
  std::vector<MegafaceReport> reports;
  for (const std::string& path : flags.distractor_lists) {
    MegafaceDistractors distractors;
    distractors.paths = read_megaface_list(path).paths;
    if (!flags.noise_lists.empty()) distractors.is_noise = mark_noise(distractors.paths, noise.distractors);
    std::shared_ptr<const RowSource> rows;
    if (is_folder || first_rows == nullptr) {
      rows = open_features(flags.distractor_features, path, distractors.paths, flags.suffix);
    } else {
      std::vector<std::int64_t> chosen =
          match_paths(distractors.paths, first_names, flags.distractor_lists[0]);
      require_all_matched(distractors.paths, chosen, flags.distractor_lists[0],
                          "name the list of the matrix first, then lists of some of its images");
      rows = select_rows(first_rows, std::move(chosen));
    }
    distractors.rows = rows.get();
    MegafaceReport report = evaluate_megaface(loaded.probes, distractors, options);
    report.noisy_probes = loaded.replaced;
    fmt::print("{}", to_table(report));
    if (first_rows == nullptr) {
      first_rows = std::move(rows);
      first_names = std::move(distractors.paths);
    }
    reports.push_back(std::move(report));
  }
  if (flags.json.empty()) return 0;

  std::vector<std::pair<std::string, std::string>> source = {
      {"probe_list", flags.probe_list},
      {"probe_features", flags.probe_features},
      {"distractor_list", flags.distractor_lists[0]},
      {"distractor_features", flags.distractor_features}};
  write_file_atomically(flags.json, to_json(reports, flags.distractor_lists, source) + "\n");
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto flags = std::make_shared<MegafaceFlags>();
  app.add_option("--probe-list", flags->probe_list,
                 "JSON list with \"path\" and \"id\", as facescrub_features_list.json")
      ->required();
  app.add_option(
         "--distractor-list", flags->distractor_lists,
         "JSON list with \"path\", as megaface_features_list.json_1000000_1; several may follow, each is "
         "evaluated")
      ->required();
  app.add_option(
         "--probe-features", flags->probe_features,
         "folder of feature files (path + suffix), or a matrix (.npy) with a row for each entry of the list")
      ->required();
  app.add_option("--distractor-features", flags->distractor_features,
                 "the same for the distractors; the rows of a matrix follow the first list")
      ->required();
  app.add_option("--suffix", flags->suffix, "what a feature file is called after the path of its image")
      ->capture_default_str();
  app.add_option(
      "--noise-lists", flags->noise_lists,
      "refine the set: folder with facescrub_noises.txt and megaface_noises.txt; without it results are raw");
  app.add_option("--noise-rule", flags->noise_rule,
                 "noisy distractors: behind everything (insightface) or a score of 0 (facexzoo)")
      ->check(CLI::IsMember({"insightface", "facexzoo"}))
      ->capture_default_str();
  app.add_option("--ranks", flags->options.ranks, "length of the CMC")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  add_targets_flag(app, "--far", flags->options.far, "FAR targets of TAR");
  app.add_option("--curve-to", flags->options.curve_to,
                 "highest FAR of the ROC; ten times as high takes ten times the memory (about 200 MB at "
                 "0.001 for a million "
                 "distractors)")
      ->check(number_in(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--bad-embeddings", flags->on_bad,
                 "distractors that are zero or not finite: stop, or let them match nothing")
      ->check(CLI::IsMember({"fail", "no-match"}))
      ->capture_default_str();
  app.add_option("--threads", flags->options.threads, "0: all cores; changes speed only")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  add_bootstrap_flags(app, flags->options.bootstrap);
  add_json_flag(app, flags->json, "write the numbers and curves to this file too");
  app.footer(
      "MegaFace challenge 1 with cosine scores. For every person with n probes each image in turn is the "
      "mate among the\n"
      "distractors and the other n - 1 are searched: n (n - 1) trials, right at rank r when fewer than r "
      "distractors\n"
      "score above the mate (a tie with the mate does not count against it). TAR at FAR: pairs of probes of "
      "one person\n"
      "against every probe with every distractor.\n"
      "Example:\n"
      "  adaptiveface evaluate megaface --probe-list facescrub_features_list.json --distractor-list\n"
      "    megaface_features_list.json_1000000_1 --probe-features features/facescrub --distractor-features\n"
      "    features/megaface --suffix _r50.bin --noise-lists lists --json megaface.json");
  return [flags] { return run_megaface(*flags); };
}

}  // namespace

Command evaluate_megaface_command() {
  return {"megaface", "Identification and verification against up to a million distractors", set_up};
}

}  // namespace aface
