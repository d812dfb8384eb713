#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <new>
#include <system_error>

#include "aface/config/closest_name.h"
#include "aface/core/error.h"
#include "aface/core/stop_request.h"
#include "apps/adaptiveface/command.h"
#include "apps/adaptiveface/help_text.h"
#include "apps/adaptiveface/start_up.h"
#include "apps/adaptiveface/version.h"

namespace {

constexpr int kOutOfMemory = 71;

// In the order of the help.
std::vector<aface::Command> commands() {
  return {
      aface::train_command(),
      aface::plan_command(),
      aface::replay_command(),
      aface::evaluate_command(),
      aface::experiment_command(),
      aface::report_command(),
      aface::mining_command(),
      aface::model_command(),
      aface::export_command(),
      aface::embed_command(),
      aface::align_command(),
      aface::enrol_command(),
      aface::identify_command(),
      aface::verify_command(),
      aface::search_command(),
      aface::remove_command(),
      aface::list_command(),
      aface::serve_command(),
      aface::convert_command(),
      aface::inspect_command(),
      aface::synth_command(),
      aface::noise_command(),
      aface::config_command(),
  };
}

int complain(int exit_code, const std::string& message) {
  fmt::print(stderr, "adaptiveface: error: {}\n", message);
  return exit_code;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// CLI11 would call an unknown command a missing one.
void check_command_name(const std::string& name, const std::vector<aface::Command>& table) {
  std::vector<std::string> known;
  for (const auto& command : table) known.emplace_back(command.name);
  if (name.empty()) throw aface::Error(aface::ErrorKind::kUsage, "no command given; see adaptiveface --help");
  if (name[0] == '-' || std::find(known.begin(), known.end(), name) != known.end()) return;
  throw aface::Error(aface::ErrorKind::kUsage,
                     fmt::format("unknown command '{}'{}; the commands are: {}", name,
                                 aface::did_you_mean(name, known), fmt::join(known, ", ")));
}

int run(int argc, char** argv) {
  CLI::App app(aface::kIntroduction, "adaptiveface");
  app.footer(aface::kFooter);
  app.set_version_flag("--version", aface::version_text);
  std::function<int()> chosen;
  for (const auto& command : commands()) {
    CLI::App* sub = app.add_subcommand(command.name, command.summary);
    sub->parse_complete_callback([&chosen, action = command.setup(*sub)] { chosen = action; });
  }
  app.set_help_all_flag("--help-all", "Print the help of all commands and exit");
  check_command_name(argc > 1 ? argv[1] : "", commands());
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    throw aface::Error(aface::ErrorKind::kUsage,
                       fmt::format("{}; see adaptiveface {}--help", first_line(error.what()),
                                   argc > 1 && argv[1][0] != '-' ? argv[1] + std::string(" ") : ""));
  }
  if (!chosen) throw aface::Error(aface::ErrorKind::kUsage, "no command given; see adaptiveface --help");
  aface::install_stop_handler();
  const int code = chosen();
  if (std::fflush(stdout) != 0 || !std::cout.flush()) {
    throw aface::Error(aface::ErrorKind::kIo, "standard output: cannot write; is the disk full?");
  }
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  aface::set_up_process();
  try {
    return run(argc, argv);
  } catch (const aface::Error& error) {
    return complain(aface::exit_code(error.kind()), error.what());
  } catch (const aface::Stopped& stopped) {
    fmt::print(stderr, "adaptiveface: stopped by signal {}\n", stopped.signal());
    return 128 + stopped.signal();
  } catch (const std::bad_alloc&) {
    return complain(kOutOfMemory, "out of memory; try a smaller batch, fewer workers or fewer prototypes");
  } catch (const std::system_error& error) {  // stdout is full, a folder vanished
    return complain(aface::exit_code(aface::ErrorKind::kIo), first_line(error.what()));
  } catch (const c10::Error& error) {
    return complain(aface::exit_code(aface::ErrorKind::kInternal),
                    "LibTorch: " + first_line(error.what_without_backtrace()));
  } catch (const std::exception& error) {
    return complain(aface::exit_code(aface::ErrorKind::kInternal), first_line(error.what()));
  }
}
