#pragma once

#include <string>
#include <vector>

#include "aface/core/result.h"
#include "aface/detect/face.h"

namespace aface {

// Which faces of a photo with several are meant.
enum class ManyFaces {
  kLargest,  // the one with the largest box
  kCentre,   // the one whose box is centred closest to the middle of the photo
  kAll,      // every one
  kRefuse    // none: such a photo is an error
};

// "largest", "centre", "all", "refuse"; throws Error{kUsage} naming them for another word.
ManyFaces many_faces_from(const std::string& word);
const std::vector<std::string>& many_faces_words();

// The faces meant, by falling area of their boxes (equal ones from left to right, then downwards).
// Error{kData} when there is none, or several under kRefuse.
Result<std::vector<Face>> choose_faces(std::vector<Face> faces, int photo_width, int photo_height,
                                       ManyFaces many);

}  // namespace aface
