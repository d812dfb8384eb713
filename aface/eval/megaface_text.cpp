#include <fmt/core.h>

#include "aface/eval/evaluation_json.h"
#include "aface/eval/figure_table.h"
#include "aface/eval/megaface.h"

namespace aface {
namespace {

const char* rule_name(NoiseRule rule) { return rule == NoiseRule::kInsightface ? "insightface" : "facexzoo"; }

}  // namespace

std::string to_table(const MegafaceReport& report) {
  std::string text = fmt::format(
      "{} set{}: {} probes of {} people against {} distractors\n", report.refined ? "refined" : "raw",
      report.refined
          ? fmt::format(" ({} rule, {} noisy probes replaced, {} noisy distractors silenced)",
                        rule_name(report.noise_rule), report.noisy_probes, report.noisy_distractors)
          : "",
      report.probes, report.identities, report.distractors);
  if (report.bad_distractors > 0) {
    text += fmt::format("{} distractors are zero or not finite and match nothing\n", report.bad_distractors);
  }
  text += figure_table(report.figures);
  text += "CMC %";
  for (const double rate : report.cmc) text += fmt::format(" {:.2f}", 100 * rate);
  text += fmt::format("\n{} trials of identification, {} genuine and {} impostor pairs\n", report.trials,
                      report.genuine_pairs, report.probes * report.distractors);
  return text;
}

namespace {

Json numbers_of(const MegafaceReport& report) {
  Json json;
  json["set"] = report.refined ? "refined" : "raw";
  if (report.refined) {
    json["noise_rule"] = rule_name(report.noise_rule);
    json["noisy_probes"] = report.noisy_probes;
    json["noisy_distractors"] = report.noisy_distractors;
  }
  json["probes"] = report.probes;
  json["identities"] = report.identities;
  json["distractors"] = report.distractors;
  if (report.bad_distractors > 0) json["bad_distractors"] = report.bad_distractors;
  json["identification_trials"] = report.trials;
  json["genuine_pairs"] = report.genuine_pairs;
  json["impostor_pairs"] = report.probes * report.distractors;
  json["rank1"] = report.cmc.at(0);
  json["tar_at_far"] = Json::object();
  for (const TarAtFar& point : report.tar_at_far)
    json["tar_at_far"][fmt::format("{:g}", point.far)] = point.tar;
  add_cmc(json, report.cmc);
  std::vector<double> far, tar;
  for (const TarAtFar& point : report.roc) {
    far.push_back(point.far);
    tar.push_back(point.tar);
  }
  add_roc(json, far, tar);
  return json;
}

}  // namespace

std::string to_json(const std::vector<MegafaceReport>& reports, const std::vector<std::string>& lists,
                    const std::vector<std::pair<std::string, std::string>>& source) {
  const MegafaceReport& first = reports.at(0);
  Json json;
  json["protocol"] = "megaface";
  for (const auto& [name, value] : source) json[name] = value;
  json.update(numbers_of(first));
  for (std::size_t i = 0; i < reports.size() && reports.size() > 1; ++i)
    json["lists"][lists.at(i)] = numbers_of(reports[i]);
  add_histogram(json, first.histogram);
  json["score_histogram"]["impostors_of_distractors"] = first.sampled_distractors;
  add_worst_pairs(json, first.worst_genuine, first.worst_impostor);
  json["test_set"] = first.test_set;
  add_figures(json, first.figures, first.bootstrap, first.people);
  return json_text(json);
}

}  // namespace aface
