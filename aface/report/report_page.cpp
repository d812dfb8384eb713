#include "aface/report/report_page.h"

#include <fmt/core.h>

#include <algorithm>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/report/html.h"
#include "aface/report/page_style.h"
#include "aface/report/sections.h"

namespace aface {
namespace {

constexpr std::size_t kColours = 8;  // of the style sheet

// The last `parts` components of a path, without ".json".
std::string path_end(std::string path, int parts) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const std::string ending = ".json";
  if (path.size() > ending.size() && path.compare(path.size() - ending.size(), ending.size(), ending) == 0) {
    path.resize(path.size() - ending.size());
  }
  std::size_t begin = path.size();
  for (int part = 0; part < parts && begin > 0; ++part) {
    const std::size_t slash = path.rfind('/', begin - 1);
    if (slash == std::string::npos) return path;
    begin = slash;
  }
  return path.substr(begin + (begin < path.size() ? 1 : 0));
}

// Each input's name, with as many parent folders as tell it from the others.
std::vector<std::string> labels_of(const std::vector<std::string>& paths) {
  constexpr int kMostParts = 4;
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    int parts = 1;
    const auto is_shared = [&] {
      const std::string mine = path_end(paths[i], parts);
      return std::count_if(paths.begin(), paths.end(),
                           [&](const auto& path) { return path_end(path, parts) == mine; }) > 1;
    };
    while (parts < kMostParts && is_shared()) ++parts;
    labels.push_back(path_end(paths[i], parts) + (is_shared() ? fmt::format(" ({})", i + 1) : ""));
  }
  return labels;
}

std::vector<ReportInput> read_inputs(const std::vector<std::string>& paths,
                                     std::vector<std::string>& warnings) {
  const std::vector<std::string> labels = labels_of(paths);
  std::vector<ReportInput> inputs;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    ReportInput input;
    input.label = labels[i];
    input.colour = fmt::format("var(--s{})", i % kColours);
    input.is_dashed = i >= kColours;
    if (folder_exists(paths[i])) {
      input.run = read_run(paths[i]);
      if (input.run->metrics.is_cut_short) {
        warnings.push_back(paths[i] + "/metrics.jsonl: the last line is incomplete and left out");
      }
    } else {
      input.evaluation = read_evaluation_record(paths[i]);
    }
    inputs.push_back(std::move(input));
  }
  return inputs;
}

std::string header(const std::string& title, const std::vector<ReportInput>& inputs) {
  std::string list;
  for (const ReportInput& input : inputs) {
    const std::string& path = input.run ? input.run->path : input.evaluation->path;
    list += fmt::format("<li><i class=\"key{}\" style=\"--c:{}\"></i><b>{}</b> <small>{}</small></li>",
                        input.is_dashed ? " dashed" : "", input.colour, breakable_html(input.label),
                        breakable_html(path));
  }
  return fmt::format("<header><h1>{}</h1><ul class=\"inputs\">{}</ul></header>\n", escape_html(title), list);
}

// Links to the sections, by their ids and headings.
std::string contents(const std::string& sections) {
  std::string links;
  const std::string id_mark = "<section id=\"", heading_mark = "\"><h2>";
  for (std::size_t at = 0; (at = sections.find(id_mark, at)) != std::string::npos;) {
    const std::size_t id = at + id_mark.size(), id_end = sections.find(heading_mark, id);
    const std::size_t heading = id_end + heading_mark.size(), heading_end = sections.find("</h2>", heading);
    links += fmt::format("<a href=\"#{}\">{}</a>", sections.substr(id, id_end - id),
                         sections.substr(heading, heading_end - heading));
    at = heading_end;
  }
  return "<nav>" + links + "</nav>\n";
}

}  // namespace

std::string section(const std::string& id, const std::string& title, const std::string& note,
                    const std::string& body) {
  if (body.empty()) return "";
  return fmt::format("<section id=\"{}\"><h2>{}</h2>{}{}</section>\n", id, title, note, body);
}

std::string chart_grid(const std::string& figures) {
  return figures.empty() ? "" : "<div class=\"charts\">" + figures + "</div>";
}

Report make_report(const ReportOptions& options) {
  if (options.inputs.empty()) {
    throw Error(ErrorKind::kUsage,
                "report: no input (expected run directories or evaluation files); name at least one");
  }
  Report report;
  const std::vector<ReportInput> inputs = read_inputs(options.inputs, report.warnings);
  const PictureOptions pictures{options.pictures, options.image_folders};
  Thumbnails thumbnails;
  std::string sections = summary_section(inputs);
  sections +=
      figure_section(inputs) + comparison_section(inputs) + curve_section(inputs) + histogram_section(inputs);
  sections += worst_pairs_section(inputs, pictures, thumbnails);
  sections +=
      training_section(inputs) + margin_section(inputs) + mining_section(inputs) + sampling_section(inputs);
  sections += suspects_section(inputs, pictures, thumbnails);
  sections += options_section(inputs) + other_metrics_section(inputs);

  report.pictures = thumbnails.shown();
  if (thumbnails.missing() > 0) {
    report.warnings.push_back(
        fmt::format("{} of {} pictures are missing or damaged and shown as empty frames ({}{}); "
                    "name their folder with --images",
                    thumbnails.missing(), thumbnails.missing() + thumbnails.shown(),
                    thumbnails.missing() > 1 ? "first " : "", thumbnails.first_missing()));
  }
  report.html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<title>{}</title><style>{}</style></head>\n<body>\n{}{}<main>\n{}</main></body></html>\n",
      escape_html(options.title), kPageStyle, header(options.title, inputs), contents(sections), sections);
  return report;
}

}  // namespace aface
