#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "aface/report/html.h"
#include "aface/report/number_text.h"
#include "aface/report/sections.h"
#include "aface/report/table.h"

namespace aface {
namespace {

using Cell = std::function<std::string(const RunRecord&)>;
using Text = std::string (*)(double);

std::vector<ReportInput> runs_of(const std::vector<ReportInput>& inputs) {
  std::vector<ReportInput> runs;
  std::copy_if(inputs.begin(), inputs.end(), std::back_inserter(runs),
               [](const auto& input) { return !!input.run; });
  return runs;
}

// Of summary.json; "" when it is not there.
Cell summary_number(const std::string& name, Text text) {
  return [=](const RunRecord& run) {
    const auto found = run.summary.find(name);
    return found == run.summary.end() ? "" : data_html(found->second, text(found->second));
  };
}

// As last logged.
Cell last_metric(const std::string& name, Text text) {
  return [=](const RunRecord& run) {
    const double value = run.metrics.last(name);
    return std::isnan(value) ? "" : data_html(value, text(value));
  };
}

Cell option(const std::string& name) {
  return [=](const RunRecord& run) { return breakable_html(run.option(name)); };
}

std::string state_of(const RunRecord& run) {
  if (run.is_finished()) return "finished";
  const std::string planned = run.option("train.steps");
  return "not finished" + (planned.empty() ? "" : " (of " + escape_html(planned) + " steps)");
}

std::string steps_of(const RunRecord& run) {
  const auto steps = static_cast<double>(run.metrics.last_step);
  return data_html(steps, count_text(steps));
}

std::string validation_accuracy(const RunRecord& run) {
  const auto found = run.summary.find("validation/accuracy_mean");
  if (found == run.summary.end()) return last_metric("validation/accuracy", share_text)(run);
  std::string cell = data_html(found->second, share_text(found->second));
  const auto error = run.summary.find("validation/accuracy_std_error");
  if (error != run.summary.end())
    cell += " ± " + data_html(error->second, fmt::format("{:.2f}", 100 * error->second));
  return cell;
}

Table run_table(const std::vector<ReportInput>& runs) {
  Table table;
  for (const ReportInput& run : runs) table.columns.push_back(run.label);
  const auto add = [&](const std::string& name, const Cell& cell) {
    std::vector<std::string> cells;
    for (const ReportInput& run : runs) cells.push_back(cell(*run.run));
    add_row(table, name, std::move(cells));
  };
  add("state", state_of);
  add("head", option("head.kind"));
  add("classes in a step", option("mining.kind"));
  add("sampler", option("sampler.kind"));
  add("backbone", option("backbone.kind"));
  add("identities", summary_number("data/identities", count_text));
  add("images", summary_number("data/images", count_text));
  add("unreadable images", summary_number("data/unreadable_images", count_text));
  add("steps", steps_of);
  add("time of the last session", summary_number("this_session/seconds", duration_words));
  add("images/s", summary_number("this_session/images_per_s", plain_text));
  add("mean active classes", summary_number("this_session/mean_active_classes", plain_text));
  add("loss, last interval", last_metric("loss", plain_text));
  add("training accuracy, last interval", last_metric("accuracy", share_text));
  add("validation accuracy ± standard error", validation_accuracy);
  std::set<std::string> tar_names;
  for (const ReportInput& run : runs) {
    for (const auto& [name, value] : run.run->summary) {
      if (name.rfind("validation/tar_at_far/", 0) == 0) tar_names.insert(name);
    }
  }
  for (const std::string& name : tar_names) add(readable_name(name), summary_number(name, share_text));
  add("seed", summary_number("seed", count_text));
  add("threads", summary_number("threads", count_text));
  return table;
}

// A figure with its interval, or why it has no value.
std::string figure_cell(const FigureRecord& figure) {
  if (std::isnan(figure.value))
    return "<small>not measurable: " + escape_html(figure.unmeasurable) + "</small>";
  const bool in_percent = is_share(figure.name);
  std::string cell =
      data_html(figure.value, in_percent ? share_text(figure.value) : score_text(figure.value));
  if (std::isnan(figure.low) || std::isnan(figure.high)) return cell;
  const auto end_text = [&](double end) {
    return in_percent ? fmt::format("{:.2f}", 100 * end) : score_text(end);
  };
  return cell + fmt::format(" <small>{} to {}</small>", data_html(figure.low, end_text(figure.low)),
                            data_html(figure.high, end_text(figure.high)));
}

std::string number_cell(double value) {
  return data_html(value, value == std::floor(value) && std::abs(value) > 1 ? count_text(value)
                                                                            : fmt::format("{:.6g}", value));
}

// Names in the order in which the inputs first have them.
class NameOrder {
 public:
  void add(const std::string& name) {
    if (known_.insert(name).second) names_.push_back(name);
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<std::string> names_;
  std::set<std::string> known_;
};

using EvaluationCell = std::function<std::string(const EvaluationRecord&)>;

class EvaluationTable {
 public:
  explicit EvaluationTable(const std::vector<ReportInput>& evaluations) : evaluations_(evaluations) {
    for (const ReportInput& input : evaluations) table_.columns.push_back(input.label);
  }
  void add(const std::string& name, const EvaluationCell& cell) {
    std::vector<std::string> cells;
    for (const ReportInput& input : evaluations_) cells.push_back(cell(*input.evaluation));
    add_row(table_, readable_name(name), std::move(cells));
  }
  std::string html() const { return table_html(table_); }

 private:
  const std::vector<ReportInput>& evaluations_;
  Table table_;
};

// What was evaluated, and the figures.
std::string figure_table(const std::vector<ReportInput>& evaluations) {
  NameOrder texts, figures;
  for (const ReportInput& input : evaluations) {
    for (const auto& [name, value] : input.evaluation->texts) texts.add(name);
    for (const FigureRecord& figure : input.evaluation->figures) figures.add(figure.name);
  }
  EvaluationTable table(evaluations);
  for (const std::string& name : texts.names()) {
    table.add(name,
              [&](const EvaluationRecord& evaluation) { return breakable_html(evaluation.text(name)); });
  }
  for (const std::string& name : figures.names()) {
    table.add(name, [&](const EvaluationRecord& evaluation) {
      for (const FigureRecord& figure : evaluation.figures) {
        if (figure.name == name) return figure_cell(figure);
      }
      return std::string();
    });
  }
  return table.html();
}

// Counts and whatever else a protocol writes.
std::string number_table(const std::vector<ReportInput>& evaluations) {
  NameOrder numbers;
  for (const ReportInput& input : evaluations) {
    for (const auto& [name, value] : input.evaluation->numbers) numbers.add(name);
  }
  EvaluationTable table(evaluations);
  for (const std::string& name : numbers.names()) {
    table.add(name, [&](const EvaluationRecord& evaluation) {
      for (const auto& [other, value] : evaluation.numbers) {
        if (other == name) return number_cell(value);
      }
      return std::string();
    });
  }
  return table.html();
}

Table option_table(const std::vector<ReportInput>& runs, const std::set<std::string>& names) {
  Table table;
  for (const ReportInput& run : runs) table.columns.push_back(run.label);
  for (const std::string& name : names) {
    std::vector<std::string> cells;
    for (const ReportInput& run : runs) cells.push_back(breakable_html(run.run->option(name)));
    add_row(table, name, std::move(cells));
  }
  return table;
}

}  // namespace

std::string summary_section(const std::vector<ReportInput>& inputs) {
  std::vector<ReportInput> evaluations;
  std::copy_if(inputs.begin(), inputs.end(), std::back_inserter(evaluations),
               [](const auto& input) { return input.evaluation && input.evaluation->differences.empty(); });
  std::string body = table_html(run_table(runs_of(inputs)));
  if (!evaluations.empty()) {
    body += "<p>Evaluations; below a figure its 95 % interval, where the file has one.</p>";
    body += figure_table(evaluations);
    const std::string numbers = number_table(evaluations);
    if (!numbers.empty())
      body += "<details><summary>Counts and other numbers</summary>" + numbers + "</details>";
  }
  return section("summary", "Summary", "", body);
}

std::string options_section(const std::vector<ReportInput>& inputs) {
  const std::vector<ReportInput> runs = runs_of(inputs);
  std::set<std::string> names, different;
  for (const ReportInput& run : runs) {
    for (const auto& [name, value] : run.run->options) {
      names.insert(name);
      if (value != runs[0].run->option(name)) different.insert(name);
    }
    for (const auto& [name, value] : runs[0].run->options) {
      if (value != run.run->option(name)) different.insert(name);
    }
  }
  if (names.empty()) return "";
  std::string body = table_html(option_table(runs, different));
  if (!body.empty()) body = "<p>Options that differ:</p>" + body;
  body += "<details><summary>All options</summary>" + table_html(option_table(runs, names)) + "</details>";
  return section("options", "Options", "", body);
}

}  // namespace aface
