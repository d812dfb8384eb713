// The text form of a card; its fields are explained in docs/model.md.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <type_traits>

#include "aface/core/error.h"
#include "aface/core/one_line.h"
#include "aface/model/model_card.h"

namespace aface {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLongestMessage = 500;

// Names and values in it come from a file.
[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorKind::kFormat, one_line(what, kLongestMessage));
}

Json parse_object(const std::string& text) {
  Json root = Json::parse(text, nullptr, false);
  if (!root.is_object()) fail("it is no JSON object");
  return root;
}

struct NetworkWriter {
  Json root = Json::object();
  template <class T>
  void field(const char* name, const T& value, const FieldInfo&) {
    root[name] = value;
  }
};

// Fields that the file lacks keep their default: it was written before they existed.
struct NetworkReader {
  const Json& root;
  std::set<std::string> known = {};

  template <class T>
  void field(const char* name, T& value, const FieldInfo&) {
    known.insert(name);
    const auto found = root.find(name);
    if (found == root.end()) return;
    constexpr bool is_text = std::is_same_v<T, std::string>;
    constexpr bool is_integer = std::is_integral_v<T>;
    if (is_text ? !found->is_string() : is_integer ? !found->is_number_integer() : !found->is_number()) {
      fail(fmt::format("'{}' has the wrong type", name));
    }
    value = found->template get<T>();
  }
};

// The value of a field, which must be there.
const Json& at(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) fail(fmt::format("'{}' is missing", name));
  return *found;
}

std::string text_at(const Json& object, const char* name) {
  const Json& value = at(object, name);
  if (!value.is_string()) fail(fmt::format("'{}' is no text", name));
  return value.get<std::string>();
}

double number_of(const Json& value, const char* name) {
  if (!value.is_number() || !std::isfinite(value.get<double>())) fail(fmt::format("'{}' is no number", name));
  return value.get<double>();
}

double number_at(const Json& object, const char* name, double low, double high) {
  const double value = number_of(at(object, name), name);
  if (value < low || value > high) {
    fail(fmt::format("'{}' is out of range (expected {:g} to {:g}, got {:g})", name, low, high, value));
  }
  return value;
}

std::int64_t count_at(const Json& object, const char* name) {
  const Json& value = at(object, name);
  if (!value.is_number_integer() || value.get<std::int64_t>() < 0)
    fail(fmt::format("'{}' is no count", name));
  return value.get<std::int64_t>();
}

const Json& list_at(const Json& object, const char* name, std::size_t size) {
  const Json& value = at(object, name);
  if (!value.is_array() || value.size() != size) fail(fmt::format("'{}' is no list of {}", name, size));
  return value;
}

std::array<double, 3> channels_at(const Json& object, const char* name) {
  const Json& list = list_at(object, name, 3);
  std::array<double, 3> values{};
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = number_of(list[i], name);
  return values;
}

Landmarks landmarks_at(const Json& object, const char* name) {
  const Json& list = list_at(object, name, 5);
  Landmarks points{};
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (!list[i].is_array() || list[i].size() != 2) fail(fmt::format("'{}' is no list of points", name));
    points[i] = {number_of(list[i][0], name), number_of(list[i][1], name)};
  }
  return points;
}

Calibration calibration_at(const Json& object, const char* name) {
  const Json& value = at(object, name);
  if (!value.is_object()) fail(fmt::format("'{}' is no object", name));
  Calibration calibration;
  calibration.measured_on = text_at(value, "measured_on");
  calibration.genuine = count_at(value, "genuine_pairs");
  calibration.impostor = count_at(value, "impostor_pairs");
  const Json& rows = at(value, "thresholds");
  if (!rows.is_array()) fail("'thresholds' is no list");
  for (const Json& row : rows) {
    if (!row.is_object()) fail("'thresholds' is no list of objects");
    calibration.thresholds.push_back(
        {number_at(row, "far", 0, 1), number_at(row, "cosine", -1.001, 1.001), number_at(row, "tar", 0, 1)});
  }
  return calibration;
}

}  // namespace

std::string network_json(const BackboneOptions& network) {
  NetworkWriter writer;
  BackboneOptions options = network;
  describe(writer, options);
  return writer.root.dump();
}

BackboneOptions parse_network(const std::string& json) {
  const Json root = parse_object(json);
  BackboneOptions options;
  NetworkReader reader{root};
  describe(reader, options);
  for (const auto& item : root.items()) {
    if (reader.known.count(item.key()) == 0) {
      fail(fmt::format("unknown option '{}'; a newer version may have written it", item.key()));
    }
  }
  try {
    check_options(options);
  } catch (const Error& error) {  // here the file's fault, not that of who gave options
    fail(error.what());
  }
  return options;
}

std::string card_json(const ModelCard& card) {
  Json root;
  root["colour_order"] = colour_name(card.colour);
  root["mean"] = card.mean;
  root["scale"] = card.scale;
  root["alignment"] = Json::array();
  for (const Point& point : card.alignment) root["alignment"].push_back({point.x, point.y});
  root["flip"] = flip_name(card.flip);
  Json rows = Json::array();
  for (const FarThreshold& row : card.calibration.thresholds) {
    rows.push_back({{"far", row.far}, {"cosine", row.threshold}, {"tar", row.tar}});
  }
  root["calibration"] = {{"measured_on", card.calibration.measured_on},
                         {"genuine_pairs", card.calibration.genuine},
                         {"impostor_pairs", card.calibration.impostor},
                         {"thresholds", rows}};
  root["recipe"] = card.recipe;
  root["data_fingerprint"] = card.data_fingerprint;
  root["program"] = card.program;
  return root.dump(-1, ' ', false, Json::error_handler_t::replace);
}

ModelCard parse_card(const BackboneOptions& network, const std::string& json) {
  const Json root = parse_object(json);
  ModelCard card;
  card.network = network;
  const std::string colour = text_at(root, "colour_order"), flip = text_at(root, "flip");
  if (colour != "RGB" && colour != "BGR")
    fail(fmt::format("'colour_order' is '{}' (expected RGB or BGR)", colour));
  if (flip != "sum" && flip != "none") fail(fmt::format("'flip' is '{}' (expected sum or none)", flip));
  card.colour = colour == "RGB" ? ColourOrder::kRgb : ColourOrder::kBgr;
  card.flip = flip == "sum" ? FlipRule::kSum : FlipRule::kNone;
  card.mean = channels_at(root, "mean");
  card.scale = channels_at(root, "scale");
  for (const double scale : card.scale) {
    if (!(scale > 0)) fail("'scale' must be above 0");
  }
  card.alignment = landmarks_at(root, "alignment");
  card.calibration = calibration_at(root, "calibration");
  card.recipe = text_at(root, "recipe");
  card.data_fingerprint = text_at(root, "data_fingerprint");
  card.program = text_at(root, "program");
  return card;
}

}  // namespace aface
