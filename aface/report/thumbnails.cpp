#include "aface/report/thumbnails.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "aface/core/base64.h"
#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/image/image_file.h"
#include "aface/image/resample.h"
#include "aface/io/path_match.h"
#include "aface/io/text_list.h"
#include "aface/report/html.h"

namespace aface {
namespace {

constexpr int kJpegQuality = 80;

// Fits into a square of `box_px`; never larger than it was.
Image shrink(Image image, int box_px) {
  const int longer = std::max(image.width, image.height);
  if (longer <= box_px) return image;
  const auto scaled = [&](int side) { return std::max(1, (side * box_px + longer / 2) / longer); };
  return resize(image, scaled(image.width), scaled(image.height));
}

std::string file_below(const std::string& folder, const std::string& name) {
  if (name.empty()) return "";
  const std::string path = folder.empty() || name[0] == '/' ? name : folder + "/" + name;
  return file_exists(path) ? path : "";
}

// A name that fits two pictures equally well fits none, and neither do two names that would get one picture.
std::vector<std::int64_t> match_or_none(const std::vector<std::string>& wanted,
                                        const std::vector<std::string>& available,
                                        const std::string& folder) {
  try {
    return match_paths(wanted, available, folder);
  } catch (const Error&) {
    if (wanted.size() == 1) return {-1};
  }
  std::vector<std::int64_t> matches;
  for (const std::string& name : wanted) matches.push_back(match_or_none({name}, available, folder)[0]);
  std::map<std::int64_t, std::set<std::string>> names_of;
  for (std::size_t i = 0; i < wanted.size(); ++i) names_of[matches[i]].insert(wanted[i]);
  for (std::int64_t& match : matches) match = names_of[match].size() > 1 ? -1 : match;
  return matches;
}

}  // namespace

const std::vector<std::string>& Thumbnails::images_below(const std::string& folder) {
  const auto [place, is_new] = listed_.try_emplace(folder);
  if (!is_new || !folder_exists(folder)) return place->second;
  try {
    place->second = list_images(folder);
  } catch (const Error&) {  // no images or no right to look: every picture of it is counted as missing
  }
  return place->second;
}

std::vector<std::string> Thumbnails::find(const std::vector<std::string>& names,
                                          const std::vector<std::string>& folders) {
  std::vector<std::string> paths(names.size());
  for (const std::string& folder : folders) {
    std::vector<std::size_t> open;
    std::vector<std::string> wanted;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (paths[i].empty()) paths[i] = file_below(folder, names[i]);
      if (!paths[i].empty()) continue;
      open.push_back(i);
      wanted.push_back(names[i]);
    }
    if (open.empty()) break;
    const std::vector<std::string>& available = images_below(folder);
    const std::vector<std::int64_t> matches = match_or_none(wanted, available, folder);
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (matches[i] >= 0) paths[open[i]] = folder + "/" + available[static_cast<std::size_t>(matches[i])];
    }
  }
  return paths;
}

std::vector<std::string> Thumbnails::show(const std::vector<std::string>& names,
                                          const std::vector<std::string>& folders, int box_px) {
  const std::vector<std::string> paths = find(names, folders);
  std::vector<std::string> pieces;
  for (std::size_t i = 0; i < names.size(); ++i) {
    pieces.push_back(paths[i].empty() ? empty_frame(names[i], "no such picture")
                                      : show_file(paths[i], names[i], box_px));
  }
  return pieces;
}

std::string Thumbnails::show_file(const std::string& path, const std::string& name, int box_px) {
  Result<Image> image = read_image(path);
  if (!image.ok()) return empty_frame(name, image.error().what());
  const Image small = shrink(std::move(image).value(), box_px);
  ++shown_;
  return fmt::format("<img width=\"{}\" height=\"{}\" alt=\"{}\" src=\"data:image/jpeg;base64,{}\">",
                     small.width, small.height, escape_html(name), base64(encode_jpeg(small, kJpegQuality)));
}

std::string Thumbnails::empty_frame(const std::string& name, const std::string& reason) {
  if (missing_++ == 0) first_missing_ = name + ": " + reason;
  return fmt::format("<span class=\"missing\" title=\"{}\">{}</span>", escape_html(reason),
                     escape_html(name));
}

}  // namespace aface
