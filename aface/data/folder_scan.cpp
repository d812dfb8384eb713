#include "aface/data/folder_scan.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

#include "aface/core/error.h"
#include "aface/io/text_list.h"

namespace aface {
namespace {

namespace fs = std::filesystem;

bool is_hidden(const fs::path& path) { return path.filename().string().front() == '.'; }

// Kept, so that reading it names the photo that is lost.
bool is_broken_link(const fs::directory_entry& entry) { return entry.is_symlink() && !entry.exists(); }

// Adds the images below `folder`; `above` are the folders on the way to it.
void collect_images(const fs::path& root, const fs::path& folder, std::vector<fs::path>& above,
                    std::vector<std::string>& images) {
  above.push_back(folder);
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (is_hidden(entry.path())) continue;
    if (entry.is_directory()) {
      if (entry.is_symlink() && std::any_of(above.begin(), above.end(), [&](const fs::path& p) {
            return fs::equivalent(p, entry.path());
          })) {
        throw Error(ErrorKind::kIo,
                    fmt::format("{}: the link leads back to a folder above it; remove the link",
                                entry.path().string()));
      }
      collect_images(root, entry.path(), above, images);
    } else if (has_image_extension(entry.path().string()) &&
               (entry.is_regular_file() || is_broken_link(entry))) {
      images.push_back(entry.path().lexically_relative(root).string());
    }
  }
  above.pop_back();
}

}  // namespace

std::vector<IdentityFolder> scan_identity_folders(const std::string& root) {
  std::vector<IdentityFolder> identities;
  try {
    for (const auto& entry : fs::directory_iterator(root)) {
      if (is_hidden(entry.path())) continue;
      if (entry.is_directory()) {
        IdentityFolder identity;
        identity.name = entry.path().filename().string();
        std::vector<fs::path> above{root};
        collect_images(root, entry.path(), above, identity.images);
        identities.push_back(std::move(identity));
      } else if (has_image_extension(entry.path().string())) {
        throw Error(
            ErrorKind::kData,
            fmt::format("{}: the image lies in no identity folder; move it into one", entry.path().string()));
      }
    }
  } catch (const fs::filesystem_error& e) {
    throw Error(ErrorKind::kIo, fmt::format("{}: cannot read ({}); check the permissions", e.path1().string(),
                                            e.code().message()));
  }
  std::sort(identities.begin(), identities.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return identities;
}

}  // namespace aface
