#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "aface/core/random.h"
#include "aface/core/sha256.h"
#include "aface/gallery/gallery.h"

namespace aface::test {

// A unit row that only this seed gives.
inline std::vector<float> unit_row(std::uint64_t seed, std::size_t dim) {
  Random random(seed, 77);
  std::vector<float> row(dim);
  double squares = 0;
  for (float& value : row) {
    value = static_cast<float>(random.normal());
    squares += double(value) * double(value);
  }
  for (float& value : row) value = static_cast<float>(value / std::sqrt(squares));
  return row;
}

// Photos of one person, and what the spans of their enrolments look at.
struct Person {
  std::string name;
  std::vector<std::vector<float>> rows;
  std::vector<std::string> sources;

  std::vector<Enrolment> enrolments() const {
    std::vector<Enrolment> all;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      all.push_back(
          {name, sources[i], sha256(sources[i].data(), sources[i].size()), Span<const float>(rows[i])});
    }
    return all;
  }
};

inline Person make_person(std::uint64_t number, std::size_t photos, std::size_t dim) {
  Person person;
  person.name = "person of number " + std::to_string(1000000 + number);
  for (std::size_t i = 0; i < photos; ++i) {
    person.rows.push_back(unit_row(number * 1000 + i, dim));
    person.sources.push_back("folder/" + std::to_string(number) + "_" + std::to_string(i) + ".jpg");
  }
  return person;
}

inline std::string bytes_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The bytes of every file whose name begins with that of the gallery.
inline std::string bytes_of_gallery(const std::string& path) {
  const std::filesystem::path whole(path);
  std::string bytes;
  for (const auto& entry : std::filesystem::directory_iterator(whole.parent_path())) {
    if (entry.path().filename().string().rfind(whole.filename().string(), 0) == 0)
      bytes += bytes_of_file(entry.path());
  }
  return bytes;
}

// Any four values beside each other of the row.
inline bool has_trace(const std::string& bytes, const std::vector<float>& row) {
  std::string values(row.size() * sizeof(float), '\0');
  std::memcpy(values.data(), row.data(), values.size());
  for (std::size_t at = 0; at + 16 <= values.size(); at += 16) {
    if (bytes.find(values.data() + at, 0, 16) != std::string::npos) return true;
  }
  return false;
}

}  // namespace aface::test
