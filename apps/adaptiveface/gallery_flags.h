#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

#include "aface/gallery/gallery.h"
#include "aface/gallery/gallery_index.h"
#include "aface/model/model_card.h"

namespace aface {

// --gallery and how long to wait for others, for every command that has one.
struct GalleryFlags {
  std::string path;
  double wait_seconds = 10;

  GalleryOptions options() const { return {static_cast<int>(wait_seconds * 1000)}; }
};
std::shared_ptr<GalleryFlags> add_gallery_flags(CLI::App& app);

// How a gallery is searched.
struct GallerySearchFlags {
  GallerySearchOptions options;
  std::string index = "ivf";
  bool exact = false;
  bool recall = false;
};
std::shared_ptr<GallerySearchFlags> add_gallery_search_flags(CLI::App& app);

GallerySearchOptions search_options(const GallerySearchFlags& flags, int threads);

// The gallery in memory, with an approximate index where the flags and its size ask for one.
std::unique_ptr<GalleryIndex> load_gallery(const GalleryFlags& gallery, const GallerySearchFlags& search,
                                           int threads);

// From which score on two photos are taken to show one person.
struct ThresholdFlags {
  std::optional<double> threshold;
  std::optional<double> far;
};
std::shared_ptr<ThresholdFlags> add_threshold_flags(CLI::App& app);

// The threshold that was given, or that of the model's card (null without a model) for the FAR target;
// nothing when neither was asked for. Throws Error{kUsage} when the card has no such target, or there is no
// card.
std::optional<double> chosen_threshold(const ThresholdFlags& flags, const ModelCard* card);

}  // namespace aface
