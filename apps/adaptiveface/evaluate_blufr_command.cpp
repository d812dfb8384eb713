#include <fmt/core.h>

#include "aface/core/file.h"
#include "aface/eval/blufr.h"
#include "aface/io/blufr_lists.h"
#include "apps/adaptiveface/embedding_input.h"
#include "apps/adaptiveface/evaluate_protocols.h"
#include "apps/adaptiveface/evaluation_flags.h"

namespace aface {
namespace {

struct BlufrFlags {
  std::shared_ptr<EmbeddingFlags> input;
  std::string lists;
  std::string json;
  BlufrOptions options;
};

int run_blufr(const BlufrFlags& flags) {
  const BlufrLists lists = read_blufr_lists(flags.lists);
  const UnitEmbeddings embeddings = load_embeddings(*flags.input, "evaluate blufr", lists.names);
  BlufrOptions options = flags.options;
  options.threads = options.bootstrap.threads = flags.input->embed->threads;
  const BlufrReport report = evaluate_blufr({embeddings.view(), embeddings.no_match}, lists, options);
  fmt::print("{}", to_table(report));
  if (flags.json.empty()) return 0;
  auto source = describe_source(*flags.input, embeddings);
  source.emplace_back("lists", flags.lists);
  write_file_atomically(flags.json, to_json(report, source) + "\n");
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto flags = std::make_shared<BlufrFlags>();
  app.add_option(
         "--lists", flags->lists,
         "folder of the toolkit's text lists: image_list, labels, test_set, gallery_set and probe_set .txt")
      ->required();
  flags->input = add_embedding_flags(app);
  add_targets_flag(app, "--far", flags->options.verification_far, "targets of the verification rate");
  add_targets_flag(app, "--identification-far", flags->options.identification_far,
                   "targets of the detection and identification rate at rank 1");
  add_bootstrap_flags(app, flags->options.bootstrap);
  add_json_flag(app, flags->json, "write numbers, curves and counts to this file too");
  app.footer(
      "LFW under BLUFR (Liao, Lei, Yi, Li 2014): ten random trials of about 157,000 genuine and 47 million "
      "impostor\n"
      "pairs, and open-set identification against galleries of 1,000 people. Reported as the benchmark does: "
      "mean\n"
      "minus one standard deviation (N - 1) over the trials, of the verification rate at FAR 0.1 % and 0.01 "
      "% and of\n"
      "the detection and identification rate at FAR 1 %, rank 1. A score is accepted when it is at or above "
      "the\n"
      "threshold, the round(FAR N)-th highest impostor score. Names in --list may be Name/Name_0001.jpg or "
      "bare file\n"
      "names.\n"
      "Example:\n"
      "  adaptiveface evaluate blufr --lists blufr --embeddings lfw.npy --list lfw.txt --json blufr.json");
  return [flags] { return run_blufr(*flags); };
}

}  // namespace

Command evaluate_blufr_command() {
  return {"blufr", "LFW by the BLUFR protocol: verification and open-set identification at low FAR", set_up};
}

}  // namespace aface
