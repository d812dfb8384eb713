#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "aface/report/evaluation_reader.h"
#include "aface/report/run_reader.h"
#include "aface/report/thumbnails.h"

namespace aface {

// One input of a report: a run or an evaluation.
struct ReportInput {
  std::string label;   // short and different from those of the others
  std::string colour;  // of its lines, "var(--s0)"
  bool is_dashed = false;
  std::optional<RunRecord> run;
  std::optional<EvaluationRecord> evaluation;
};

// The parts of the page, each a <section> with an id, or "" when no input has anything for it.
std::string summary_section(const std::vector<ReportInput>& inputs);
std::string options_section(const std::vector<ReportInput>& inputs);

std::string training_section(const std::vector<ReportInput>& inputs);
std::string margin_section(const std::vector<ReportInput>& inputs);
std::string mining_section(const std::vector<ReportInput>& inputs);
std::string sampling_section(const std::vector<ReportInput>& inputs);
std::string other_metrics_section(const std::vector<ReportInput>& inputs);

std::string figure_section(const std::vector<ReportInput>& inputs);
std::string comparison_section(const std::vector<ReportInput>& inputs);
std::string curve_section(const std::vector<ReportInput>& inputs);
std::string histogram_section(const std::vector<ReportInput>& inputs);

// At most `pictures` photos or pairs of each input; pictures are looked for in `folders` first.
struct PictureOptions {
  std::int64_t pictures = 20;
  std::vector<std::string> folders;
};
std::string suspects_section(const std::vector<ReportInput>& inputs, const PictureOptions& options,
                             Thumbnails& thumbnails);
std::string worst_pairs_section(const std::vector<ReportInput>& inputs, const PictureOptions& options,
                                Thumbnails& thumbnails);

// <section id="..."><h2>title</h2>note body</section>, "" when the body is empty. The note is HTML.
std::string section(const std::string& id, const std::string& title, const std::string& note,
                    const std::string& body);
std::string chart_grid(const std::string& figures);  // "" when empty

}  // namespace aface
