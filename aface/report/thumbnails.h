#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace aface {

// Pictures of a report: found below some folders, scaled to fit a box, and turned into <img> with the picture
// inside.
class Thumbnails {
 public:
  // The pictures of these names, one piece of HTML each: <img> of at most box_px x box_px, or an empty frame
  // with the name for one that is missing or damaged (counted). A name is looked for as it is below each of
  // `folders`, in order, and where it is not, by its end and with another extension (io/path_match.h), as
  // aligned copies often have.
  std::vector<std::string> show(const std::vector<std::string>& names,
                                const std::vector<std::string>& folders, int box_px = 112);

  std::int64_t shown() const { return shown_; }
  std::int64_t missing() const { return missing_; }
  const std::string& first_missing() const {
    return first_missing_;
  }  // what is wrong with it; "" when none is

 private:
  std::vector<std::string> find(const std::vector<std::string>& names,
                                const std::vector<std::string>& folders);
  std::string show_file(const std::string& path, const std::string& name, int box_px);
  std::string empty_frame(const std::string& name, const std::string& reason);
  const std::vector<std::string>& images_below(const std::string& folder);

  std::int64_t shown_ = 0, missing_ = 0;
  std::string first_missing_;
  std::map<std::string, std::vector<std::string>> listed_;  // folder -> the images below it
};

}  // namespace aface
