#include <fmt/core.h>

#include "aface/eval/evaluation_json.h"
#include "aface/eval/figure_table.h"
#include "aface/eval/identification.h"

namespace aface {

std::string to_table(const IdentificationReport& report) {
  std::string text =
      fmt::format("{} probes of enrolled people and {} of others against {} images of {} people\n",
                  report.mated_probes, report.non_mated_probes, report.gallery_images, report.enrolled);
  text += figure_table(report.figures);
  text += "CMC %";
  for (const double rate : report.cmc) text += fmt::format(" {:.2f}", 100 * rate);
  return text + "\n";
}

std::string to_json(const IdentificationReport& report,
                    const std::vector<std::pair<std::string, std::string>>& source) {
  Json json;
  json["protocol"] = "identification";
  for (const auto& [name, value] : source) json[name] = value;
  json["gallery_images"] = report.gallery_images;
  json["enrolled"] = report.enrolled;
  json["mated_probes"] = report.mated_probes;
  json["non_mated_probes"] = report.non_mated_probes;
  json["rank1"] = report.cmc.at(0);
  json["dir_at_fpir_rank1"] = Json::object();
  json["threshold_at_fpir"] = Json::object();
  for (const DirAtFpir& point : report.dir_at_fpir) {
    json["dir_at_fpir_rank1"][fmt::format("{:g}", point.fpir)] = point.dir;
    json["threshold_at_fpir"][fmt::format("{:g}", point.fpir)] = point.threshold;
  }
  add_cmc(json, report.cmc);
  std::vector<double> fpir, dir;
  for (const DirAtFpir& point : report.curve) {
    fpir.push_back(point.fpir);
    dir.push_back(point.dir);
  }
  if (!fpir.empty()) add_roc(json, fpir, dir);
  add_histogram(json, report.histogram);
  add_worst_pairs(json, report.worst_genuine, report.worst_impostor);
  json["test_set"] = report.test_set;
  add_figures(json, report.figures, report.bootstrap, report.people);
  return json_text(json);
}

}  // namespace aface
