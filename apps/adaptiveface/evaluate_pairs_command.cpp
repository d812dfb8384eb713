#include <fmt/core.h>

#include <map>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/eval/scores.h"
#include "aface/eval/verification.h"
#include "aface/io/pair_list.h"
#include "apps/adaptiveface/embedding_input.h"
#include "apps/adaptiveface/evaluate_protocols.h"

namespace aface {
namespace {

struct PairsFlags {
  std::shared_ptr<EmbeddingFlags> source;
  std::string pairs;
  std::string json;
  std::string extension = ".jpg";
};

int run_pairs(const PairsFlags& flags) {
  const PairList pairs = read_pairs(flags.pairs, flags.extension);
  if (pairs.folds < 2) {  // said before images are embedded
    throw Error(ErrorKind::kData, flags.pairs +
                                      ": the list has one fold (expected at least two: the threshold of a "
                                      "fold is chosen on the others); use LFW's View 2, pairs.txt");
  }
  const UnitEmbeddings embeddings = load_embeddings(*flags.source, "evaluate pairs", pairs.paths);
  const std::vector<float> scores = score_unit_pairs(embeddings.view(), pairs, embeddings.no_match);
  const VerificationReport report = verify_pairs(scores, same_flags(pairs), pairs.folds);
  fmt::print("{}", to_table(report));
  if (flags.json.empty()) return 0;

  std::map<std::string, std::string> sources = {{"protocol", "pairs"}, {"pair_list", flags.pairs}};
  for (const auto& [name, value] : describe_source(*flags.source)) sources[name] = value;
  write_file_atomically(flags.json, to_json(report, sources) + "\n");
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto flags = std::make_shared<PairsFlags>();
  app.add_option(
         "--pairs", flags->pairs,
         "LFW's pairs.txt or a list of its form; or lines 'path1 path2 1' (one person) and 'path1 path2 0'")
      ->required();
  app.add_option("--extension", flags->extension,
                 "ending of the names that LFW's form leaves out; copies with another one are found too")
      ->capture_default_str();
  app.add_option("--json", flags->json, "write the numbers to this file too");
  flags->source = add_embedding_flags(app);
  app.footer(
      "Score: cosine. Each fold is judged by the threshold that is best on the others; reported are the mean "
      "accuracy,\n"
      "its standard error, and TAR at FAR 0.1, 0.01 and 0.001 over all pairs. Names match by full path, or "
      "by the part\n"
      "that both have.\n"
      "Examples:\n"
      "  adaptiveface evaluate pairs --pairs pairs.txt --images chips --model model.safetensors --json "
      "lfw.json\n"
      "  adaptiveface evaluate pairs --pairs pairs.txt --embeddings chips.npy --list chips.txt");
  return [flags] { return run_pairs(*flags); };
}

}  // namespace

Command evaluate_pairs_command() {
  return {"pairs", "Verification accuracy on pairs, by the rule of LFW", set_up};
}

}  // namespace aface
