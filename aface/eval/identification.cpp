#include "aface/eval/identification.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "aface/eval/far_targets.h"
#include "aface/eval/gallery_search.h"
#include "aface/eval/open_set.h"

namespace aface {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

std::vector<DirAtFpir> points_at(const std::vector<ProbeOutcome>& outcomes, const std::vector<double>& fpir) {
  if (fpir.empty()) return {};
  const OpenSetTable table = open_set_table(outcomes, fpir, {1});
  std::vector<DirAtFpir> points;
  for (std::size_t f = 0; f < fpir.size(); ++f)
    points.push_back({fpir[f], table.dir[0][f], table.threshold[f]});
  return points;
}

// A figure and how it comes about under a draw of people.
struct DrawnFigure {
  Figure figure;
  std::function<double(Span<const std::uint16_t> drawn)> draw;
};

Figure figure_of(const std::string& name, double value) {
  Figure figure;
  figure.name = name;
  figure.value = value;
  return figure;
}

std::vector<DrawnFigure> rank_figures(const IdentificationReport& report, const DrawnOpenSet& probes) {
  std::vector<DrawnFigure> figures;
  for (const std::int32_t rank : {1, 5, 10}) {
    if (rank > static_cast<std::int32_t>(report.cmc.size())) continue;
    figures.push_back(
        {figure_of("rank" + std::to_string(rank), report.cmc[at(rank - 1)]),
         [&probes, rank](Span<const std::uint16_t> drawn) { return probes.rank_rate(drawn, rank); }});
  }
  return figures;
}

std::vector<DrawnFigure> open_set_figures(const IdentificationReport& report, const DrawnOpenSet& probes) {
  std::vector<DrawnFigure> figures;
  for (const DirAtFpir& point : report.dir_at_fpir) {
    const double fpir = point.fpir;
    figures.push_back(
        {figure_of(far_figure_name("dir_at_fpir", fpir), point.dir),
         [&probes, fpir](Span<const std::uint16_t> drawn) { return probes.dir(drawn, fpir, 1); }});
    figures.push_back(
        {figure_of(far_figure_name("threshold_at_fpir", fpir), point.threshold),
         [&probes, fpir](Span<const std::uint16_t> drawn) { return probes.threshold(drawn, fpir); }});
  }
  return figures;
}

// Moves the figures into the report, each with its value under every draw.
void draw_into(IdentificationReport& report, std::vector<DrawnFigure> figures, std::int64_t people) {
  for (DrawnFigure& one : figures) one.figure.replicates.resize(at(report.bootstrap.replicates));
  for_each_draw(people, report.bootstrap, [&](std::int64_t replicate, Span<const std::uint16_t> drawn) {
    for (DrawnFigure& one : figures)
      one.figure.replicates[at(replicate)] = static_cast<float>(one.draw(drawn));
  });
  for (DrawnFigure& one : figures) report.figures.push_back(std::move(one.figure));
}

// DIR where the probes of strangers allow it; the other targets become figures without a value.
void add_open_set(const std::vector<ProbeOutcome>& outcomes, const std::vector<double>& targets,
                  IdentificationReport& report) {
  const auto strangers = static_cast<std::uint64_t>(report.non_mated_probes);
  std::vector<double> measurable;
  for (const double fpir : targets) {
    const std::string why = unmeasurable_far(fpir, strangers, "probes of people who are not enrolled");
    if (why.empty()) {
      measurable.push_back(fpir);
      continue;
    }
    Figure figure = figure_of(far_figure_name("dir_at_fpir", fpir), std::nan(""));
    figure.unmeasurable = why;
    report.figures.push_back(std::move(figure));
  }
  if (strangers == 0) return;
  report.dir_at_fpir = points_at(outcomes, measurable);
  report.curve = points_at(outcomes, measurable_grid(strangers));
}

void add_pictures(const std::vector<ProbeOutcome>& outcomes, const NamedRows& probes,
                  const NamedRows& gallery, IdentificationReport& report) {
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const ProbeOutcome& probe = outcomes[i];
    if (probe.is_mated()) {
      report.worst_genuine.push_back({probes.paths[i], gallery.paths[at(probe.mate)], probe.mate_score});
      ++report.histogram.genuine[at(score_bin(probe.mate_score))];
    } else {
      ++report.histogram.impostor[at(score_bin(probe.best_other_score))];
    }
    if (probe.best_other != ProbeOutcome::kNone) {
      report.worst_impostor.push_back(
          {probes.paths[i], gallery.paths[at(probe.best_other)], probe.best_other_score});
    }
  }
  std::stable_sort(report.worst_genuine.begin(), report.worst_genuine.end(),
                   [](const NamedScore& x, const NamedScore& y) { return x.score < y.score; });
  std::stable_sort(report.worst_impostor.begin(), report.worst_impostor.end(),
                   [](const NamedScore& x, const NamedScore& y) { return x.score > y.score; });
  for (auto* list : {&report.worst_genuine, &report.worst_impostor})
    list->resize(std::min(list->size(), kWorstPairs));
}

std::string digest_of(const NamedRows& probes, const NamedRows& gallery,
                      const std::vector<std::string>& people) {
  std::vector<std::string> names;
  for (const NamedRows* rows : {&gallery, &probes}) {
    names.push_back(std::to_string(rows->paths.size()));
    for (std::size_t i = 0; i < rows->paths.size(); ++i) {
      names.push_back(rows->paths[i]);
      names.push_back(people[at(rows->identities[i])]);
    }
  }
  return names_digest(names);
}

}  // namespace

IdentificationReport evaluate_identification(const NamedRows& probes, const NamedRows& gallery,
                                             const std::vector<std::string>& identity_names,
                                             const IdentificationOptions& options) {
  const std::vector<ProbeOutcome> outcomes =
      search_gallery(probes.rows, probes.identities, gallery.rows, gallery.identities, TieRule::kAgainstMate,
                     options.threads);
  IdentificationReport report;
  report.bootstrap = options.bootstrap;
  report.people = names_digest(identity_names);
  report.test_set = digest_of(probes, gallery, identity_names);
  report.gallery_images = static_cast<std::int64_t>(gallery.identities.size());
  report.enrolled = static_cast<std::int64_t>(
      std::set<std::int32_t>(gallery.identities.begin(), gallery.identities.end()).size());
  report.mated_probes = std::count_if(outcomes.begin(), outcomes.end(),
                                      [](const ProbeOutcome& probe) { return probe.is_mated(); });
  report.non_mated_probes = static_cast<std::int64_t>(outcomes.size()) - report.mated_probes;
  report.cmc =
      cmc(outcomes, static_cast<std::int32_t>(std::min<std::int64_t>(options.ranks, report.enrolled)));

  const auto people = static_cast<std::int64_t>(identity_names.size());
  const DrawnOpenSet drawn_probes(outcomes, probes.identities);
  draw_into(report, rank_figures(report, drawn_probes), people);
  add_open_set(outcomes, checked_targets(options.fpir), report);
  draw_into(report, open_set_figures(report, drawn_probes), people);
  add_pictures(outcomes, probes, gallery, report);
  return report;
}

}  // namespace aface
