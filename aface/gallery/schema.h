#pragma once

#include <cstdint>
#include <string>

#include "aface/gallery/database.h"
#include "aface/gallery/gallery.h"

namespace aface {

// What a gallery file says about itself.
struct GalleryAbout {
  GalleryModel model;
  std::int64_t rows_per_block = 0;
};

// Settings of a connection that removals and concurrent readers rely on.
void set_up_connection(Database& database);

// Makes a file with permissions 0600 where there is none; leaves one that is there as it is.
void make_private_file(const std::string& path);

// Writes the tables into an empty file; does nothing when somebody else was quicker.
void create_schema(Database& database, const GalleryModel& model);

// Throws Error{kFormat} unless this is a gallery of a version that this program knows.
GalleryAbout read_about(Database& database);

}  // namespace aface
