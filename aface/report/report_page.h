#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace aface {

struct ReportOptions {
  std::vector<std::string> inputs;  // run directories and evaluation files, in the order of the columns
  std::vector<std::string>
      image_folders;           // where pictures are looked for before the places that the inputs name
  std::int64_t pictures = 20;  // noise suspects of a run, worst pairs of a kind of an evaluation; 0: none
  std::string title = "AdaptiveFace report";
};

struct Report {
  std::string html;  // one page that loads nothing and runs no script
  std::int64_t pictures = 0;
  std::vector<std::string> warnings;  // missing pictures, lines cut short; one line each
};

// The same inputs give the same bytes. Throws Error{kUsage} without inputs, Error{kIo} for one that is not
// there, and what read_run and read_evaluation_record throw.
Report make_report(const ReportOptions& options);

}  // namespace aface
