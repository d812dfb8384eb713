#include "aface/train/data_identity.h"

#include <gtest/gtest.h>

#include "aface/data/photo_source.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

class NamedPeople : public PhotoSource {
 public:
  explicit NamedPeople(std::vector<std::string> names, std::uint64_t digest = 1)
      : names_(std::move(names)), digest_(digest) {}
  std::int64_t num_identities() const override { return static_cast<std::int64_t>(names_.size()); }
  std::string identity_name(std::int64_t identity) const override {
    return names_[static_cast<std::size_t>(identity)];
  }
  std::string photo_name(std::int64_t sample_id) const override { return std::to_string(sample_id); }
  Result<Image> read(std::int64_t, PhotoBuffers&) const override {
    return Error(ErrorKind::kIo, "no photos");
  }
  std::uint64_t digest() const override { return digest_; }

 private:
  std::vector<std::string> names_;
  std::uint64_t digest_;
};

FaceDataset people(std::vector<std::string> names, std::vector<std::int64_t> identities,
                   std::uint64_t digest = 1) {
  FaceDataset dataset;
  dataset.photos = std::make_shared<NamedPeople>(std::move(names), digest);
  dataset.identities = std::move(identities);
  return dataset;
}

TEST(DataIdentity, SaysWhatDiffers) {
  NamedArrays state;
  put_fingerprint(people({"a", "b"}, {0, 1, 1}), state);
  EXPECT_EQ(data_differences(state, people({"a", "b"}, {0, 1, 1})), "");
  EXPECT_EQ(data_differences(state, people({"a", "b", "c"}, {0, 1, 2})), "2 identities in it, 3 here");
  EXPECT_EQ(data_differences(state, people({"a", "b"}, {0, 1})), "3 photos in it, 2 here");
  EXPECT_EQ(data_differences(state, people({"a"}, {0})),
            "2 identities in it, 1 here; 3 photos in it, 1 here");
  const std::string labels = data_differences(state, people({"a", "b"}, {0, 0, 1}));
  EXPECT_NE(labels.find("other labels"), std::string::npos) << labels;
  EXPECT_NE(data_differences(state, people({"a", "b"}, {0, 1, 1}, 2)), "");
  state.metadata["data_fingerprint"] = "damaged";
  EXPECT_NE(data_differences(state, people({"a"}, {0})), "");
}

TEST(DataIdentity, NamesComeBack) {
  const std::vector<std::string> names = {"Aaron\tPeirsol", "", "\xc3\x84nne Will", "7"};
  NamedArrays state;
  put_identity_names(people(names, {0, 1, 2, 3}), state);
  EXPECT_EQ(get_identity_names(state), names);
  state.put<std::uint8_t>("data.identity_names", {'a', 0, 'b'});
  test::error_of(ErrorKind::kFormat, [&] { get_identity_names(state); });
}

}  // namespace
}  // namespace aface
