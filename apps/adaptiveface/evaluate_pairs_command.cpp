#include <fmt/core.h>

#include <map>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/eval/scores.h"
#include "aface/eval/verification.h"
#include "aface/io/npy.h"
#include "aface/io/pair_list.h"
#include "aface/io/path_match.h"
#include "aface/io/text_list.h"
#include "apps/adaptiveface/embed_flags.h"
#include "apps/adaptiveface/evaluate_protocols.h"

namespace aface {
namespace {

struct PairsFlags {
  std::shared_ptr<EmbedFlags> embed;
  std::string pairs;
  std::string images;
  std::string embeddings;
  std::string list;
  std::string json;
  std::string extension = ".jpg";
};

void validate(const PairsFlags& flags) {
  const auto refuse = [](const std::string& what) {
    throw Error(ErrorKind::kUsage, "evaluate pairs: " + what);
  };
  if (flags.embed->model.empty() == flags.embeddings.empty()) {
    refuse("give either --model with --images, or --embeddings with --list");
  }
  if (!flags.embed->model.empty() && flags.images.empty())
    refuse("--model needs --images, the folder of chips");
  if (!flags.embeddings.empty() && flags.list.empty()) {
    refuse("--embeddings needs --list, the names of its rows (embed writes both)");
  }
}

// Cosines of the pairs from a matrix made before.
std::vector<float> scores_of_embeddings(const PairList& pairs, const PairsFlags& flags) {
  const std::vector<std::string> names = read_text_list(flags.list);
  const NpyMatrix matrix = read_npy_matrix(flags.embeddings);
  if (matrix.rows != static_cast<std::int64_t>(names.size())) {
    throw Error(ErrorKind::kData,
                fmt::format("{}: {} names but {} has {} rows (expected one name a row); use the list "
                            "that was written with the embeddings",
                            flags.list, names.size(), flags.embeddings, matrix.rows));
  }
  const std::vector<std::int64_t> rows = match_paths(pairs.paths, names);
  require_all_matched(pairs.paths, rows, flags.list, "embed them too, or take the pair list of these images");
  return score_pairs(matrix.view(), pairs, rows);
}

// Cosines of the pairs from a network: only images that a pair uses are embedded.
std::vector<float> scores_of_model(const PairList& pairs, const PairsFlags& flags) {
  const std::vector<std::string> available = list_images(flags.images);
  const std::vector<std::int64_t> matches = match_paths(pairs.paths, available);
  require_all_matched(pairs.paths, matches, flags.images,
                      "put them there, or name the right folder with --images");
  std::vector<std::string> paths;
  std::vector<std::int64_t> rows;
  for (const std::int64_t match : matches) {
    rows.push_back(static_cast<std::int64_t>(paths.size()));
    paths.push_back(available[static_cast<std::size_t>(match)]);
  }
  return score_pairs(embed_with_model(*flags.embed, flags.images, paths, OnBadImage::kFail).view(), pairs,
                     rows);
}

int run_pairs(const PairsFlags& flags) {
  validate(flags);
  const PairList pairs = read_pairs(flags.pairs, flags.extension);
  if (pairs.folds < 2) {  // said before images are embedded
    throw Error(ErrorKind::kData, flags.pairs +
                                      ": the list has one fold (expected at least two: the threshold of a "
                                      "fold is chosen on the others); use LFW's View 2, pairs.txt");
  }
  const bool has_model = !flags.embed->model.empty();
  const std::vector<float> scores =
      has_model ? scores_of_model(pairs, flags) : scores_of_embeddings(pairs, flags);
  const VerificationReport report = verify_pairs(scores, same_flags(pairs), pairs.folds);
  fmt::print("{}", to_table(report));
  if (flags.json.empty()) return 0;

  std::map<std::string, std::string> sources = {{"protocol", "pairs"}, {"pair_list", flags.pairs}};
  if (has_model) {
    sources["model"] = flags.embed->model;
    sources["views"] = flags.embed->single_view ? "image" : "image + mirrored image";
  } else {
    sources["embeddings"] = flags.embeddings;
  }
  write_file_atomically(flags.json, to_json(report, sources) + "\n");
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto flags = std::make_shared<PairsFlags>();
  app.add_option(
         "--pairs", flags->pairs,
         "LFW's pairs.txt or a list of its form; or lines 'path1 path2 1' (one person) and 'path1 path2 0'")
      ->required();
  app.add_option("--images", flags->images,
                 "with --model: folder of aligned face chips, as the pair list names them");
  app.add_option("--embeddings", flags->embeddings, "in place of a model: a matrix (.npy), one row an image");
  app.add_option("--list", flags->list, "with --embeddings: the name of each row, one a line");
  app.add_option("--extension", flags->extension,
                 "ending of the names that LFW's form leaves out; copies with another one are found too")
      ->capture_default_str();
  app.add_option("--json", flags->json, "write the numbers to this file too");
  flags->embed = add_embed_flags(app);
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
