#include <fmt/core.h>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/eval/pair_evaluation.h"
#include "aface/eval/scores.h"
#include "apps/adaptiveface/embedding_input.h"
#include "apps/adaptiveface/evaluate_protocols.h"
#include "apps/adaptiveface/evaluation_flags.h"
#include "apps/adaptiveface/pair_input.h"

namespace aface {
namespace {

struct PairsFlags {
  std::shared_ptr<EmbeddingFlags> source;
  std::string pairs;
  std::string json;
  std::string extension = ".jpg";
  PairEvaluationOptions options;
};

std::vector<std::string> convention_names() {
  std::vector<std::string> names;
  for (const PairConvention& convention : pair_conventions()) names.push_back(convention.name);
  return names;
}

PairInput read(const PairsFlags& flags) {
  PairInput pairs = read_pair_input(flags.pairs, flags.extension);
  if (pairs.list.folds < 2) {  // said before images are embedded
    throw Error(ErrorKind::kData, flags.pairs +
                                      ": the list has one fold (expected at least two: the threshold of a "
                                      "fold is chosen on the others); use LFW's View 2, pairs.txt");
  }
  return pairs;
}

int run_pairs(const PairsFlags& flags) {
  const PairInput pairs = read(flags);
  const UnitEmbeddings embeddings = load_embeddings(*flags.source, "evaluate pairs", pairs);
  const std::vector<float> scores = score_unit_pairs(embeddings.view(), pairs.list, embeddings.no_match);
  PairEvaluationOptions options = flags.options;
  options.bootstrap.threads = flags.source->embed->threads;
  const PairEvaluation evaluation = evaluate_pairs(pairs.list, scores, embeddings.names, options);
  fmt::print("{}", to_table(evaluation));
  if (flags.json.empty()) return 0;
  auto source = describe_source(*flags.source, embeddings);
  source.emplace_back("pair_list", flags.pairs);
  write_file_atomically(flags.json, to_json(evaluation, source) + "\n");
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto flags = std::make_shared<PairsFlags>();
  add_pair_flags(app, flags->pairs, flags->extension);
  app.get_option("--pairs")->required();
  flags->source = add_embedding_flags(app);
  app.add_option("--convention", flags->options.convention,
                 "how the threshold of a fold is found and ties are judged: exact, ours; insightface, "
                 "squared distances "
                 "and the population deviation; facexzoo, 1,000 thresholds and the standard error")
      ->check(CLI::IsMember(convention_names()))
      ->capture_default_str();
  add_targets_flag(app, "--far", flags->options.far_targets,
                   "FAR targets of TAR and of the recommended thresholds");
  add_bootstrap_flags(app, flags->options.bootstrap);
  add_json_flag(app, flags->json, "write numbers, curves, draws and the worst pairs to this file too");
  app.footer(
      "Score: cosine. Each fold is judged by the threshold that is best on the others, by the rule of "
      "--convention.\n"
      "TAR at FAR, equal error rate and recommended thresholds are over all pairs; a FAR target that lets "
      "pass less\n"
      "than one of the impostor pairs is marked and not measured. Intervals draw people, not pairs. Names "
      "match by full\n"
      "path, or by the part that both have. Images of a .bin set that have another size than the network's "
      "input are\n"
      "resized by their shorter side and cut to a square; it takes --model, or --embeddings with row k for "
      "image k.\n"
      "Examples:\n"
      "  adaptiveface evaluate pairs --pairs pairs.txt --images chips --model model.safetensors --json "
      "lfw.json\n"
      "  adaptiveface evaluate pairs --pairs pairs.txt --embeddings chips.npy --list chips.txt --far 1e-2 "
      "1e-3\n"
      "  adaptiveface evaluate pairs --pairs cfp_fp.bin --model model.safetensors --convention insightface");
  return [flags] { return run_pairs(*flags); };
}

}  // namespace

Command evaluate_pairs_command() {
  return {"pairs", "Verification accuracy on pairs, by the rule of LFW", set_up};
}

}  // namespace aface
