#include <memory>
#include <vector>

#include "apps/adaptiveface/command.h"
#include "apps/adaptiveface/evaluate_protocols.h"

namespace aface {
namespace {

// In the order of the help.
std::vector<Command> protocols() {
  return {
      evaluate_pairs_command(),          evaluate_blufr_command(),   evaluate_megaface_command(),
      evaluate_identification_command(), evaluate_compare_command(),
  };
}

std::function<int()> set_up(CLI::App& app) {
  app.require_subcommand(1);
  auto chosen = std::make_shared<std::function<int()>>();
  for (const Command& protocol : protocols()) {
    CLI::App* sub = app.add_subcommand(protocol.name, protocol.summary);
    sub->parse_complete_callback([chosen, action = protocol.setup(*sub)] { *chosen = action; });
  }
  app.footer("`adaptiveface evaluate PROTOCOL --help` tells what a protocol takes.");
  return [chosen] { return (*chosen)(); };
}

}  // namespace

Command evaluate_command() {
  return {"evaluate", "Measure a model, or given embeddings, by a protocol of the field", set_up};
}

}  // namespace aface
