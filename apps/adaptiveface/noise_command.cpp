#include <memory>

#include "apps/adaptiveface/noise_commands.h"

namespace aface {
namespace {

std::function<int()> set_up(CLI::App& app) {
  app.require_subcommand(1);
  auto chosen = std::make_shared<std::function<int()>>();
  for (const Command& part : {noise_flip_command(), noise_score_command()}) {
    CLI::App* sub = app.add_subcommand(part.name, part.summary);
    sub->parse_complete_callback([chosen, action = part.setup(*sub)] { *chosen = action; });
  }
  return [chosen] { return (*chosen)(); };
}

}  // namespace

Command noise_command() {
  return {"noise", "Plant wrong labels, and score how a training found them", set_up};
}

}  // namespace aface
