#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/eval/comparison.h"
#include "aface/eval/evaluation_json.h"

namespace aface {
namespace {

// Reads parts of one file; every complaint names the file and the place in it.
class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {}

  Json parse() const {
    const std::string text = read_text_file(path_);
    try {
      Json json = Json::parse(text);
      if (!json.is_object()) fail(fmt::format("the file holds {} (expected an object)", json.type_name()));
      return json;
    } catch (const Json::exception& error) {
      // nlohmann's text begins with its own number in brackets.
      const std::string what = error.what();
      fail("not JSON: " + what.substr(std::min(what.size(), what.find("] ") + 2)));
    }
  }

  const Json& get(const Json& json, const std::string& key, Json::value_t type,
                  const std::string& in = "") const {
    const std::string name = in + "'" + key + "'";
    if (!json.contains(key)) fail("no " + name);
    const Json& value = json[key];
    const bool fits = type == Json::value_t::number_float ? value.is_number() : value.type() == type;
    if (!fits) fail(fmt::format("{} is {} (expected {})", name, value.type_name(), Json(type).type_name()));
    return value;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(
        ErrorKind::kFormat,
        fmt::format("{}: {}; give a file that `adaptiveface evaluate ... --json` wrote", path_, what));
  }

 private:
  std::string path_;
};

Figure read_figure(const Reader& reader, const std::string& name, const Json& entry) {
  Figure figure;
  figure.name = name;
  const std::string in = "'figures', '" + name + "', ";
  if (!entry.is_object()) reader.fail("'figures', '" + name + "' is no object");
  if (entry.contains("unmeasurable")) {
    figure.value = std::numeric_limits<double>::quiet_NaN();
    figure.unmeasurable = reader.get(entry, "unmeasurable", Json::value_t::string, in).get<std::string>();
  } else {
    figure.value = reader.get(entry, "value", Json::value_t::number_float, in).get<double>();
  }
  return figure;
}

std::vector<float> read_draws(const Reader& reader, const std::string& name, const Json& draws,
                              std::int64_t replicates) {
  const std::string place = "'bootstrap', 'draws', '" + name + "'";
  if (!draws.is_array()) reader.fail(place + " is no list");
  if (static_cast<std::int64_t>(draws.size()) != replicates) {
    reader.fail(
        fmt::format("{} has {} values (expected {}, one a replicate)", place, draws.size(), replicates));
  }
  std::vector<float> values;
  for (const Json& draw : draws) {
    if (!draw.is_number() && !draw.is_null())
      reader.fail(place + " holds something else than numbers and null");
    values.push_back(draw.is_null() ? std::numeric_limits<float>::quiet_NaN() : draw.get<float>());
  }
  return values;
}

}  // namespace

std::string EvaluationFile::source(const std::string& name) const {
  for (const auto& [key, value] : sources) {
    if (key == name) return value;
  }
  return "";
}

EvaluationFile read_evaluation(const std::string& path) {
  const Reader reader(path);
  const Json json = reader.parse();
  using Type = Json::value_t;
  EvaluationFile file;
  file.path = path;
  file.protocol = reader.get(json, "protocol", Type::string).get<std::string>();
  for (const auto& [key, value] : json.items()) {
    if (key != "protocol" && value.is_string()) file.sources.emplace_back(key, value.get<std::string>());
  }
  const Json& figures = reader.get(json, "figures", Type::object);
  const Json& bootstrap = reader.get(json, "bootstrap", Type::object);
  file.people = reader.get(bootstrap, "people", Type::string, "'bootstrap', ").get<std::string>();
  file.seed = reader.get(bootstrap, "seed", Type::number_unsigned, "'bootstrap', ").get<std::uint64_t>();
  file.replicates =
      reader.get(bootstrap, "replicates", Type::number_unsigned, "'bootstrap', ").get<std::int64_t>();
  const Json& draws = reader.get(bootstrap, "draws", Type::object, "'bootstrap', ");
  for (const auto& [name, entry] : figures.items()) {
    Figure figure = read_figure(reader, name, entry);
    if (draws.contains(name)) figure.replicates = read_draws(reader, name, draws[name], file.replicates);
    file.figures.push_back(std::move(figure));
  }
  return file;
}

}  // namespace aface
