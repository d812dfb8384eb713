#include <memory>

#include "apps/adaptiveface/model_commands.h"

namespace aface {
namespace {

std::function<int()> set_up(CLI::App& app) {
  app.require_subcommand(1);
  auto chosen = std::make_shared<std::function<int()>>();
  for (const Command& part : {model_info_command(), model_upgrade_command(), model_calibrate_command()}) {
    CLI::App* sub = app.add_subcommand(part.name, part.summary);
    sub->parse_complete_callback([chosen, action = part.setup(*sub)] { *chosen = action; });
  }
  return [chosen] { return (*chosen)(); };
}

}  // namespace

Command model_command() {
  return {"model", "Show and check a model file, complete an old one, measure its thresholds", set_up};
}

}  // namespace aface
