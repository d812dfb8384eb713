#include <fmt/core.h>

#include <memory>
#include <string>

#include "aface/core/file.h"
#include "aface/data/dataset_report.h"
#include "apps/adaptiveface/command.h"

namespace aface {
namespace {

struct InspectFlags {
  DataOptions data;
  std::string json;
  bool quick = false;
  int threads = 0;
};

std::function<int()> setup(CLI::App& app) {
  const auto flags = std::make_shared<InspectFlags>();
  app.add_option("DATA", flags->data.root, "Folder with one sub-folder per identity, the root of --list, a .rec file, or tar archives")
      ->required();
  app.add_option("--list", flags->data.list, "List of lines path<TAB>identity, paths relative to DATA");
  app.add_option("--min-images", flags->data.min_images, "Leave out identities with fewer images")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--json", flags->json, "Write the whole report to this file as well");
  app.add_flag("--quick", flags->quick,
               "Count only: do not decode the images, so neither sizes nor damage are seen");
  app.add_option("--threads", flags->threads, "Images decoded at a time; 0: one per core")
      ->capture_default_str()
      ->check(CLI::Range(0, 256));
  app.footer(
      "Prints how many images the identities have (the long tail), picture sizes and unreadable files with "
      "the reason. "
      "Unreadable files do not change the exit code, which is 0 once the report is complete.");
  return [flags] {
    flags->data.source = flags->data.list.empty() ? source_of(flags->data.root) : "list";
    const FaceDataset dataset = load_dataset(flags->data);
    const DatasetReport report =
        inspect_dataset(dataset, flags->quick ? Decoding::kNone : Decoding::kAll, flags->threads);
    if (!flags->json.empty()) write_file_atomically(flags->json, report_json(report));
    fmt::print("{}", report_text(report));
    return 0;
  };
}

}  // namespace

Command inspect_command() {
  return {"inspect", "Report what a data set holds and which files are damaged", setup};
}

}  // namespace aface
