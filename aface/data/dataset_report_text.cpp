#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "aface/data/dataset_report.h"

namespace aface {
namespace {

constexpr std::size_t kLinesShown = 20;  // of picture sizes and unreadable files

std::string label(const SizeClass& c) {
  if (c.last == 0) return fmt::format("{}+", c.first);
  return c.first == c.last ? fmt::format("{}", c.first) : fmt::format("{}-{}", c.first, c.last);
}

double percent(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string more(std::size_t total) {
  return total > kLinesShown
             ? fmt::format("  ... and {} more (all of them with --json)\n", total - kLinesShown)
             : "";
}

std::string decoded_text(const DatasetReport& report) {
  std::string text = "picture sizes\n";
  for (std::size_t i = 0; i < std::min(kLinesShown, report.picture_sizes.size()); ++i) {
    const PictureSize& size = report.picture_sizes[i];
    text += fmt::format("  {:>11} {:>9}\n", fmt::format("{} x {}", size.width, size.height), size.images);
  }
  text += more(report.picture_sizes.size());
  text += fmt::format("unreadable           {}\n", report.unreadable.size());
  for (std::size_t i = 0; i < std::min(kLinesShown, report.unreadable.size()); ++i) {
    text += fmt::format("  {}\n", report.unreadable[i].reason);
  }
  return text + more(report.unreadable.size());
}

}  // namespace

std::string report_text(const DatasetReport& report) {
  std::string text = fmt::format(
      "data set             {}\n"
      "fingerprint          {}\n"
      "identities           {}\n"
      "images               {}\n"
      "images per identity  min {}, median {}, mean {:.2f}, max {}\n"
      "richest 10 %         hold {:.1f} % of the images\n"
      "images  identities    share    images    share\n",
      report.root, report.fingerprint, report.identities, report.images, report.smallest, report.median,
      report.mean, report.largest, 100 * report.share_of_richest_tenth);
  for (const auto& c : report.size_classes) {
    text += fmt::format("{:>6}  {:>10}  {:>5.1f} %  {:>8}  {:>5.1f} %\n", label(c), c.identities,
                        percent(c.identities, report.identities), c.images, percent(c.images, report.images));
  }
  return report.decoded ? text + decoded_text(report) : text;
}

std::string report_json(const DatasetReport& report) {
  nlohmann::ordered_json json;
  json["root"] = report.root;
  json["fingerprint"] = report.fingerprint;
  json["identities"] = report.identities;
  json["images"] = report.images;
  json["images_per_identity"] = {
      {"min", report.smallest}, {"median", report.median}, {"mean", report.mean}, {"max", report.largest}};
  json["share_of_richest_tenth"] = report.share_of_richest_tenth;
  json["size_classes"] = nlohmann::ordered_json::array();
  for (const auto& c : report.size_classes) {
    json["size_classes"].push_back(
        {{"images_per_identity", label(c)}, {"identities", c.identities}, {"images", c.images}});
  }
  json["decoded"] = report.decoded;
  if (report.decoded) {
    json["picture_sizes"] = nlohmann::ordered_json::array();
    for (const auto& size : report.picture_sizes) {
      json["picture_sizes"].push_back(
          {{"width", size.width}, {"height", size.height}, {"images", size.images}});
    }
    json["unreadable"] = nlohmann::ordered_json::array();
    for (const auto& image : report.unreadable) {
      json["unreadable"].push_back({{"path", image.path}, {"reason", image.reason}});
    }
  }
  constexpr int kIndent = 2;
  return json.dump(kIndent, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace aface
