// enrol_until_killed GALLERY enrol|remove PEOPLE PROGRESS: enrols (or removes) people of three photos each,
// one call a person, in the order of their numbers; those who are there already (or gone) are passed over.
// The file PROGRESS grows by a byte for everybody who was added or removed.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>

#include "tests/gallery/people.h"

int main(int, char** arguments) {
  using namespace aface;
  try {
    const std::string what = arguments[2];
    const auto people = static_cast<std::uint64_t>(std::atoi(arguments[3]));
    constexpr std::size_t kDim = 64, kPhotos = 3;
    Gallery gallery = Gallery::open_or_create(arguments[1], {"model-a", kDim});
    std::ofstream progress(arguments[4], std::ios::app);
    std::set<std::string> there;
    for (const GalleryIdentity& identity : gallery.identities()) there.insert(identity.name);
    for (std::uint64_t number = 0; number < people; ++number) {
      const test::Person person = test::make_person(number, kPhotos, kDim);
      std::int64_t changes = 0;
      if (what == "enrol") changes = gallery.enrol(person.enrolments()).added;
      if (what == "remove" && there.count(person.name) > 0) changes = gallery.remove(person.name);
      if (changes > 0) progress.put('.').flush();
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
