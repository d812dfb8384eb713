#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace aface {

// A sub-command of the program: setup() declares its flags on `app` and returns what to do once they are
// parsed. The returned function returns the exit code (0, or 128 + signal); errors are thrown as
// aface::Error.
struct Command {
  const char* name;
  const char* summary;
  std::function<int()> (*setup)(CLI::App& app);
};

Command train_command();
Command plan_command();
Command replay_command();
Command evaluate_command();
Command report_command();
Command experiment_command();
Command mining_command();
Command model_command();
Command export_command();
Command embed_command();
Command align_command();
Command enrol_command();
Command identify_command();
Command verify_command();
Command search_command();
Command remove_command();
Command list_command();
Command serve_command();
Command convert_command();
Command inspect_command();
Command synth_command();
Command noise_command();
Command config_command();

}  // namespace aface
