#include <fmt/core.h>

#include <memory>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/log.h"
#include "aface/report/report_page.h"
#include "apps/adaptiveface/command.h"

namespace aface {
namespace {

struct ReportFlags {
  ReportOptions options;
  std::string out;
};

int run_report(const ReportFlags& flags) {
  for (const std::string& folder : flags.options.image_folders) {
    if (!folder_exists(folder))
      throw Error(ErrorKind::kUsage, "report: --images " + folder + ": no such folder");
  }
  const Report report = make_report(flags.options);
  for (const std::string& warning : report.warnings) log_warning("report", "{}", warning);
  write_file_atomically(flags.out, report.html);
  fmt::print("report: {} ({:.1f} MB, {} pictures)\n", flags.out,
             static_cast<double>(report.html.size()) / 1e6, report.pictures);
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto flags = std::make_shared<ReportFlags>();
  app.add_option("INPUT", flags->options.inputs,
                 "run directories, and files that evaluate --json wrote; each becomes a column and a line in "
                 "the charts")
      ->required();
  app.add_option("--out", flags->out, "the page to write (.html)")->required();
  app.add_option(
         "--images", flags->options.image_folders,
         "folder of the pictures, when they are no longer where the inputs say; may be given several times")
      ->expected(1)
      ->take_all();
  app.add_option("--pictures", flags->options.pictures,
                 "noise suspects of each run, and worst pairs of each kind of each evaluation, that are "
                 "shown; 0: none")
      ->capture_default_str()
      ->check(CLI::Range(0, 500));
  app.add_option("--title", flags->options.title, "heading of the page")->capture_default_str();
  app.footer(
      "Writes one file that needs nothing else: charts and pictures are inside, no script, no network. A run "
      "that still "
      "goes on\ncan be shown too. Runs have their loss, margins by class size, active classes, sampling "
      "weights and noise "
      "suspects;\nevaluations have ROC, DET, CMC, score histograms, figures with intervals and the worst "
      "pairs.\n"
      "Examples:\n"
      "  adaptiveface report runs/adaptive runs/cosface --out compared.html\n"
      "  adaptiveface report runs/adaptive lfw.json --images chips --out report.html");
  return [flags] { return run_report(*flags); };
}

}  // namespace

Command report_command() { return {"report", "Show runs and evaluations on one page, side by side", set_up}; }

}  // namespace aface
