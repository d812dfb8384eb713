#include <fmt/core.h>

#include "aface/core/file.h"
#include "aface/eval/comparison.h"
#include "apps/adaptiveface/evaluate_protocols.h"
#include "apps/adaptiveface/evaluation_flags.h"

namespace aface {
namespace {

struct CompareFlags {
  std::string a;
  std::string b;
  std::string json;
};

int run_compare(const CompareFlags& flags) {
  const Comparison comparison = compare_evaluations(read_evaluation(flags.a), read_evaluation(flags.b));
  if (!flags.json.empty()) write_file_atomically(flags.json, to_json(comparison));
  fmt::print("{}", to_table(comparison));
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto flags = std::make_shared<CompareFlags>();
  app.add_option("A", flags->a, "result file that `adaptiveface evaluate ... --json` wrote")->required();
  app.add_option("B", flags->b, "another one: the same protocol and lists, --bootstrap and --seed")
      ->required();
  add_json_flag(app, flags->json, "write the differences to this file too");
  app.footer(
      "The draws of people behind the intervals are the same in both files, so the difference is taken draw "
      "by "
      "draw:\n"
      "people who are hard for both drop out of it. \"No difference shown\" means that its 95 % interval "
      "holds "
      "0, not that\n"
      "A and B are equal.\n"
      "Example:\n"
      "  adaptiveface evaluate pairs --pairs pairs.txt --images chips --model a.safetensors --json a.json\n"
      "  adaptiveface evaluate pairs --pairs pairs.txt --images chips --model b.safetensors --json b.json\n"
      "  adaptiveface evaluate compare a.json b.json");
  return [flags] { return run_compare(*flags); };
}

}  // namespace

Command evaluate_compare_command() {
  return {"compare", "Is B better than A? Two result files over the same draws of people", set_up};
}

}  // namespace aface
