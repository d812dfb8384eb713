#include <fmt/core.h>

#include <cmath>

#include "aface/report/html.h"
#include "aface/report/interval_chart.h"
#include "aface/report/number_text.h"
#include "aface/report/sections.h"
#include "aface/report/table.h"

namespace aface {
namespace {

std::string value_text(const std::string& figure, double value) {
  return is_share(figure) ? share_text(value) : score_text(value);
}

// Shares differ by percentage points; the sign says which way.
std::string difference_text(const std::string& figure, double value) {
  return is_share(figure) ? fmt::format("{:+.2f}", 100 * value) : fmt::format("{:+.4f}", value);
}

std::string difference_cell(const FigureRecord& difference) {
  const auto end = [&](double value) { return data_html(value, difference_text(difference.name, value)); };
  std::string cell = end(difference.value);
  if (!std::isnan(difference.low) && !std::isnan(difference.high)) {
    cell += fmt::format(" <small>{} to {}</small>", end(difference.low), end(difference.high));
  }
  return cell;
}

std::string difference_table(const EvaluationRecord& comparison) {
  Table table;
  table.columns = {"A", "B", "B − A", "verdict"};
  for (const DifferenceRecord& row : comparison.differences) {
    const std::string& name = row.difference.name;
    add_row(table, readable_name(name),
            {data_html(row.a, value_text(name, row.a)), data_html(row.b, value_text(name, row.b)),
             difference_cell(row.difference), escape_html(row.verdict)});
  }
  return table_html(table);
}

std::string difference_chart(const ReportInput& input) {
  std::vector<IntervalGroup> groups;
  for (const DifferenceRecord& row : input.evaluation->differences) {
    const FigureRecord& difference = row.difference;
    if (!is_share(difference.name) || std::isnan(difference.low) || std::isnan(difference.high)) continue;
    groups.push_back({readable_name(difference.name),
                      {{input.colour, 100 * difference.value, 100 * difference.low, 100 * difference.high}}});
  }
  return interval_figure(input.label + ": B − A", "percentage points", {}, groups, Baseline::kZero);
}

}  // namespace

std::string comparison_section(const std::vector<ReportInput>& inputs) {
  std::string body;
  for (const ReportInput& input : inputs) {
    if (!input.evaluation || input.evaluation->differences.empty()) continue;
    const EvaluationRecord& comparison = *input.evaluation;
    body += fmt::format("<h3>{}</h3><p>A: {}<br>B: {}</p>", escape_html(input.label),
                        breakable_html(comparison.text("a")), breakable_html(comparison.text("b")));
    body += difference_table(comparison) + chart_grid(difference_chart(input));
  }
  return section("differences", "Paired differences",
                 "<p>Both evaluations under the same draws of people. Where the interval leaves out 0, the "
                 "difference is more "
                 "than the choice of people explains.</p>",
                 body);
}

}  // namespace aface
