#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/graph/graph.h"
#include "aface/model/model_file.h"
#include "aface/recognise/recogniser.h"
#include "apps/adaptiveface/evaluation_flags.h"
#include "apps/adaptiveface/model_commands.h"

namespace aface {
namespace {

struct InfoFlags {
  std::string model;
  std::string json;
};

// What is known of a file once it has been checked.
struct Report {
  Model model;
  double reference_distance = 0;
  std::int64_t parameters = 0;
  double multiplications = 0;
};

Report inspect(const std::string& path) {
  Report report;
  report.model = read_model(path);
  try {
    report.reference_distance = check_reference(Recogniser(report.model), report.model);
    const Graph graph = make_graph(report.model.card.network, report.model.network);
    report.multiplications = multiplications(graph);
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("{}: {}", path, error.what()));
  }
  for (const auto& [name, array] : report.model.network.arrays) {
    const bool is_statistic = name.find("running_") != std::string::npos || array.type != DataType::kFloat32;
    if (!is_statistic) report.parameters += static_cast<std::int64_t>(array.bytes.size() / sizeof(float));
  }
  return report;
}

std::string or_unknown(const std::string& text) { return text.empty() ? "not noted" : text; }

std::string to_text(const Report& report) {
  const ModelCard& card = report.model.card;
  std::string text;
  const auto line = [&](const char* what, const std::string& value) {
    text += fmt::format("{:<17}{}\n", what, value);
  };
  line("network", fmt::format("{}, {:.2f} M parameters, {:.0f} M multiplications a view", card.network.kind,
                              static_cast<double>(report.parameters) / 1e6, report.multiplications / 1e6));
  line("chips",
       fmt::format("{} x {} px, {}", card.input_size(), card.input_size(), colour_name(card.colour)));
  line("numbers", fmt::format("(value - {}) / {}", fmt::join(card.mean, ", "), fmt::join(card.scale, ", ")));
  std::string points;
  for (const Point& point : card.alignment)
    points += fmt::format("{}({:.2f}, {:.2f})", points.empty() ? "" : " ", point.x, point.y);
  line("alignment", points);
  line("flip rule",
       card.flip == FlipRule::kSum ? "sum: embedding = f(x) + f(mirrored x)" : "none: embedding = f(x)");
  line("embedding", fmt::format("{} numbers, scaled to length 1", card.dim()));
  const Calibration& calibration = card.calibration;
  if (calibration.thresholds.empty()) {
    line("thresholds", "not measured; see 'adaptiveface model calibrate'");
  } else {
    line("thresholds", fmt::format("measured on {} ({} pairs of one person, {} of two)",
                                   calibration.measured_on, calibration.genuine, calibration.impostor));
    for (const FarThreshold& row : calibration.thresholds) {
      line("", fmt::format("FAR {:<8g} cosine >= {:.4f}   TAR {:.4f}", row.far, row.threshold, row.tar));
    }
  }
  line("recipe", or_unknown(card.recipe));
  line("data fingerprint", or_unknown(card.data_fingerprint));
  line("written by", or_unknown(card.program));
  line("digest", report.model.digest + "  (of the file)");
  line("", report.model.embedding_digest + "  (of what embeddings depend on)");
  line("reference", fmt::format("distance {:.1e} from the stored embedding, allowed {:g}",
                                report.reference_distance, kReferenceTolerance));
  return text;
}

std::string to_json(const Report& report) {
  using Json = nlohmann::ordered_json;
  Json root;
  root["network"] = Json::parse(network_json(report.model.card.network));
  root["parameters"] = report.parameters;
  root["multiplications"] = report.multiplications;
  root["card"] = Json::parse(card_json(report.model.card));
  root["digest"] = report.model.digest;
  root["embedding_digest"] = report.model.embedding_digest;
  root["reference"] = {{"distance", report.reference_distance}, {"allowed", kReferenceTolerance}};
  return root.dump(2) + "\n";
}

std::function<int()> set_up(CLI::App& app) {
  const auto flags = std::make_shared<InfoFlags>();
  app.add_option("MODEL", flags->model, "model file (.safetensors)")->required();
  add_json_flag(app, flags->json, "write everything to this file too");
  app.footer(
      "Checks the digest and the reference embedding as every use of the model does, and prints what the "
      "file holds.\n"
      "A file that is damaged or lacks parts is refused with the reason (exit code 3). See docs/model.md.");
  return [flags] {
    const Report report = inspect(flags->model);
    fmt::print("{}", to_text(report));
    if (!flags->json.empty()) write_file_atomically(flags->json, to_json(report));
    return 0;
  };
}

}  // namespace

Command model_info_command() { return {"info", "Check a model file and print what it holds", set_up}; }

}  // namespace aface
