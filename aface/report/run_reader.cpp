#include "aface/report/run_reader.h"

#include <fmt/core.h>

#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

#include <sstream>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/one_line.h"
#include "aface/io/column_list.h"
#include "aface/report/json_leaves.h"

namespace aface {
namespace {

std::string value_text(const toml::node& node) {
  if (const toml::array* list = node.as_array()) {
    std::string text;
    for (const toml::node& item : *list) text += (text.empty() ? "" : ", ") + value_text(item);
    return "[" + text + "]";
  }
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto number = node.value_exact<double>()) return fmt::format("{}", *number);
  std::ostringstream text;
  node.visit([&](const auto& value) { text << value; });
  return text.str();
}

// The values as text. Read without the option structs, so that a run of an older version can be shown too.
void collect_options(const toml::table& table, const std::string& prefix,
                     std::map<std::string, std::string>& options) {
  for (const auto& [key, node] : table) {
    const std::string name = prefix.empty() ? std::string(key.str()) : prefix + "." + std::string(key.str());
    if (const toml::table* inner = node.as_table()) {
      collect_options(*inner, name, options);
    } else {
      options[name] = value_text(node);
    }
  }
}

std::map<std::string, std::string> read_options(const std::string& path) {
  std::map<std::string, std::string> options;
  const std::string text = read_text_file(path);
  try {
    collect_options(toml::parse(text, path), "", options);
  } catch (const toml::parse_error& error) {
    throw Error(ErrorKind::kFormat,
                fmt::format("{}:{}: {} (expected TOML as a run writes it); repair or remove the file", path,
                            error.source().begin.line, one_line(error.description(), 200)));
  }
  return options;
}

void read_summary(const std::string& path, RunRecord& run) {
  const auto json = nlohmann::ordered_json::parse(read_text_file(path), nullptr, false);
  if (!json.is_object()) {
    throw Error(ErrorKind::kFormat,
                path + ": not a summary of a run (expected one JSON object); repair or remove the file");
  }
  JsonLeaves leaves;
  collect_leaves(json, "", leaves);
  run.summary = {leaves.numbers.begin(), leaves.numbers.end()};
}

std::vector<LearntMargin> read_margins(const std::string& path) {
  const ColumnList list = read_columns(path, {"identity", "images", "margin"});
  std::vector<LearntMargin> margins;
  for (std::size_t i = 0; i < list.rows.size(); ++i) {
    margins.push_back({list.text(i, 0), list.integer(i, 1), list.number(i, 2)});
  }
  return margins;
}

std::vector<NoiseSuspectRecord> read_suspects(const std::string& path) {
  const ColumnList list = read_columns(path, {"path", "identity"});
  std::vector<NoiseSuspectRecord> suspects;
  for (const auto& row : list.rows) {
    NoiseSuspectRecord suspect{row[list.places[0]], row[list.places[1]], {}};
    for (std::size_t column = 0; column < row.size(); ++column) {
      if (column == list.places[0] || column == list.places[1]) continue;
      suspect.facts.emplace_back(list.columns[column], row[column]);
    }
    suspects.push_back(std::move(suspect));
  }
  return suspects;
}

}  // namespace

std::string RunRecord::option(const std::string& name) const {
  const auto found = options.find(name);
  return found == options.end() ? "" : found->second;
}

std::string RunRecord::images_folder() const {
  // Where training keeps the faces that it has drawn (synth/synthetic_faces.h).
  if (option("data.source") == "synthetic") return path + "/faces/train/images";
  const std::string source = option("data.source");
  return source == "folder" || source == "list" ? option("data.root") : "";  // others are no files of their own
}

std::string RunRecord::images_list() const {
  if (option("data.source") == "synthetic") return path + "/faces/train/list.tsv";
  return option("data.source") == "list" ? option("data.list") : "";
}

RunRecord read_run(const std::string& folder) {
  if (!file_exists(folder + "/metrics.jsonl")) {
    throw Error(ErrorKind::kData,
                fmt::format("{}: no run directory (expected metrics.jsonl in it); name the --run-dir of "
                            "a training that has begun",
                            folder));
  }
  RunRecord run;
  run.path = folder;
  run.metrics = read_metrics(folder + "/metrics.jsonl");
  const auto has = [&](const std::string& name) { return file_exists(folder + "/" + name); };
  if (has("config.toml")) run.options = read_options(folder + "/config.toml");
  if (has("summary.json")) read_summary(folder + "/summary.json", run);
  if (has("margins.tsv")) run.margins = read_margins(folder + "/margins.tsv");
  if (has("noise_suspects.tsv")) run.suspects = read_suspects(folder + "/noise_suspects.tsv");
  return run;
}

}  // namespace aface
