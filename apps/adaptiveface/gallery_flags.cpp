#include "apps/adaptiveface/gallery_flags.h"

#include <fmt/core.h>

#include <limits>

#include "aface/core/error.h"
#include "aface/core/log.h"
#include "aface/core/stopwatch.h"
#include "apps/adaptiveface/number_range.h"

namespace aface {

std::shared_ptr<GalleryFlags> add_gallery_flags(CLI::App& app) {
  auto flags = std::make_shared<GalleryFlags>();
  app.add_option("--gallery", flags->path, "file of the gallery")->required();
  app.add_option("--wait", flags->wait_seconds, "seconds to wait for other programs that use the gallery")
      ->check(number_in(0.0, 3600.0))
      ->capture_default_str();
  return flags;
}

std::shared_ptr<GallerySearchFlags> add_gallery_search_flags(CLI::App& app) {
  auto flags = std::make_shared<GallerySearchFlags>();
  app.add_option("--approximate-above", flags->options.approximate_above,
                 "photos from which on an approximate index is built and used; below, answers are exact")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{2'000'000'000}))
      ->capture_default_str();
  app.add_option("--index", flags->index,
                 "kind of the approximate index: ivf (an inverted file) or hnsw (a graph)")
      ->check(CLI::IsMember({"ivf", "hnsw"}))
      ->capture_default_str();
  app.add_option(
         "--recall-target", flags->options.recall_target,
         "share of new photos of enrolled people for which the index has to find the person that the exact "
         "search finds; it is measured and the index looks at twice as much until it does, or is not "
         "used. 0: not measured")
      ->check(number_in(0.0, 0.9999))
      ->capture_default_str();
  app.add_option("--effort", flags->options.index.graph_search_effort,
                 "hnsw: rows a search keeps in view (ef), at least")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--probes", flags->options.index.probes, "ivf: lists that a search looks into, at least")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app.add_flag("--exact", flags->exact, "compare with every photo, whatever the size");
  app.add_flag("--recall", flags->recall,
               "search exactly too and tell what share of those answers was found");
  return flags;
}

GallerySearchOptions search_options(const GallerySearchFlags& flags, int threads) {
  GallerySearchOptions options = flags.options;
  options.threads = threads;
  options.index.kind = flags.index == "hnsw" ? "graph" : "inverted";
  if (flags.exact) options.approximate_above = std::numeric_limits<std::int64_t>::max();
  return options;
}

std::unique_ptr<GalleryIndex> load_gallery(const GalleryFlags& gallery, const GallerySearchFlags& search,
                                           int threads) {
  Stopwatch watch;
  auto index =
      std::make_unique<GalleryIndex>(gallery.path, search_options(search, threads), gallery.options());
  const GalleryCounts counts = index->counts();
  constexpr std::int64_t kTakesAMoment = 100000;
  if (counts.photos >= kTakesAMoment) {
    log_info("gallery", "{}: {} people, {} photos, read in {:.2f} s", gallery.path, counts.identities,
             counts.photos, watch.lap());
  }
  if (index->prepare()) {
    const Approximation about = index->approximation().value();
    log_line(about.is_used ? LogLevel::kInfo : LogLevel::kWarning, "gallery",
             fmt::format("{}; {:.1f} s", describe(about), watch.lap()));
  }
  return index;
}

std::shared_ptr<ThresholdFlags> add_threshold_flags(CLI::App& app) {
  auto flags = std::make_shared<ThresholdFlags>();
  app.add_option("--threshold", flags->threshold,
                 "cosine from which on two photos show one person; below, nobody is found")
      ->check(number_in(-1.0, 1.0));
  app.add_option("--far", flags->far,
                 "instead: the threshold that the model's card has for this false accept rate")
      ->check(number_in(1e-12, 1.0))
      ->excludes("--threshold");
  return flags;
}

std::optional<double> chosen_threshold(const ThresholdFlags& flags, const ModelCard* card) {
  if (!flags.far) return flags.threshold;
  if (card == nullptr)
    throw Error(ErrorKind::kUsage, "--far needs --model, whose card has the thresholds; or give --threshold");
  return threshold_at(*card, *flags.far).threshold;
}

}  // namespace aface
