#include "aface/io/blufr_lists.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "tests/support/expect_error.h"
#include "tests/support/real_data.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using test::error_of;
using test::TempDir;
using testing::ElementsAre;
using testing::HasSubstr;

// Five images of three people, two trials.
struct SmallLists {
  TempDir dir;
  SmallLists() {
    dir.write("image_list.txt", "A_0001.jpg\nA_0002.jpg\nB_0001.jpg\nB_0002.jpg\nC_0001.jpg\n");
    dir.write("labels.txt", "1\n1\n2\n2\n3\n");
    dir.write("test_set.txt",
              "2\n3\n1, A_0001.jpg\n2, A_0002.jpg\n5, C_0001.jpg\n2\n3, B_0001.jpg\n4, B_0002.jpg\n");
    dir.write("gallery_set.txt", "2\n1\n2, A_0002.jpg\n1\n3, B_0001.jpg\n");
    dir.write("probe_set.txt", "2\n2\n1, A_0001.jpg\n5, C_0001.jpg\n1\n4, B_0002.jpg\n");
  }
  std::string error() const {
    return error_of(ErrorKind::kFormat, [&] { read_blufr_lists(dir.path()); });
  }
};

TEST(BlufrLists, AreReadWithNumbersFromZero) {
  const SmallLists lists;
  const BlufrLists read = read_blufr_lists(lists.dir.path());
  EXPECT_EQ(read.names.size(), 5U);
  EXPECT_EQ(read.identity_count, 3);
  EXPECT_THAT(read.identities, ElementsAre(0, 0, 1, 1, 2));
  ASSERT_EQ(read.trials.size(), 2U);
  EXPECT_THAT(read.trials[0].test, ElementsAre(0, 1, 4));
  EXPECT_THAT(read.trials[0].gallery, ElementsAre(1));
  EXPECT_THAT(read.trials[0].probe, ElementsAre(0, 4));
  EXPECT_THAT(read.trials[1].probe, ElementsAre(3));
}

TEST(BlufrLists, ErrorsNameFileAndLine) {
  {
    const SmallLists lists;
    lists.dir.write("probe_set.txt", "2\n2\n1, A_0001.jpg\n");
    EXPECT_THAT(lists.error(), HasSubstr("probe_set.txt:4: the file ends where"));
  }
  {
    const SmallLists lists;
    lists.dir.write("gallery_set.txt", "2\n1\n9, A_0002.jpg\n1\n3, B_0001.jpg\n");
    EXPECT_THAT(lists.error(), HasSubstr("gallery_set.txt:3: '9, A_0002.jpg'"));
  }
  {
    const SmallLists lists;
    lists.dir.write("gallery_set.txt", "2\n1\n2, B_0002.jpg\n1\n3, B_0001.jpg\n");
    EXPECT_THAT(lists.error(), HasSubstr("image 2 is called 'B_0002.jpg' here but 'A_0002.jpg'"));
  }
  {
    const SmallLists lists;
    lists.dir.write("gallery_set.txt", "1\n1\n2, A_0002.jpg\n");
    EXPECT_THAT(lists.error(), HasSubstr("hold 2, 1 and 2 trials"));
  }
  {
    const SmallLists lists;
    lists.dir.write("probe_set.txt", "2\n1\n1, A_0001.jpg\n1\n4, B_0002.jpg\n");
    EXPECT_THAT(lists.error(),
                HasSubstr("trial 1: the test set (3 images) is not the gallery (1) and the probes (1)"));
  }
  {
    const SmallLists lists;
    lists.dir.write("gallery_set.txt", "2\n2\n1, A_0001.jpg\n2, A_0002.jpg\n1\n3, B_0001.jpg\n");
    lists.dir.write("probe_set.txt", "2\n1\n5, C_0001.jpg\n1\n4, B_0002.jpg\n");
    EXPECT_THAT(lists.error(), HasSubstr("two gallery images of one person"));
  }
  {
    const SmallLists lists;
    lists.dir.write("labels.txt", "1\n1\ntwo\n2\n3\n");
    EXPECT_THAT(lists.error(), HasSubstr("labels.txt:3: 'two'"));
  }
}

// Counts of the published lists; means over the ten trials.
TEST(BlufrLists, PublishedListsHaveThePublishedCounts) {
  const std::string folder = test::real_data("lfw/blufr");
  AFACE_SKIP_WITHOUT(folder, "lfw/blufr");
  const BlufrLists lists = read_blufr_lists(folder);
  EXPECT_EQ(lists.names.size(), 13233U);
  EXPECT_EQ(lists.identity_count, 5749);
  ASSERT_EQ(lists.trials.size(), 10U);
  double test = 0, probes = 0, mated = 0, genuine = 0, impostor = 0;
  std::vector<std::int64_t> genuine_of_trial;
  for (const BlufrTrial& trial : lists.trials) {
    std::set<std::int32_t> enrolled, people;
    for (const std::int32_t image : trial.gallery) enrolled.insert(lists.identities[std::size_t(image)]);
    std::map<std::int32_t, std::int64_t> images;
    for (const std::int32_t image : trial.test) ++images[lists.identities[std::size_t(image)]];
    std::int64_t pairs = 0;
    for (const auto& [person, count] : images) pairs += count * (count - 1) / 2;
    const auto n = static_cast<std::int64_t>(trial.test.size());
    EXPECT_EQ(trial.gallery.size(), 1000U);
    EXPECT_EQ(enrolled.size(), 1000U);
    EXPECT_EQ(images.size(), 4249U);
    test += static_cast<double>(n);
    probes += static_cast<double>(trial.probe.size());
    for (const std::int32_t image : trial.probe)
      mated += enrolled.count(lists.identities[std::size_t(image)]);
    genuine_of_trial.push_back(pairs);
    genuine += static_cast<double>(pairs);
    impostor += static_cast<double>(n * (n - 1) / 2 - pairs);
  }
  EXPECT_NEAR(test / 10, 9708.3, 0.01);
  EXPECT_NEAR(probes / 10, 8708.3, 0.01);
  EXPECT_NEAR(mated / 10, 4350.6, 0.05);
  EXPECT_NEAR(genuine / 10, 156915, 0.5);
  EXPECT_NEAR(impostor / 10, 47003565, 0.5);
  EXPECT_EQ(*std::min_element(genuine_of_trial.begin(), genuine_of_trial.end()), 59104);
  EXPECT_EQ(*std::max_element(genuine_of_trial.begin(), genuine_of_trial.end()), 231834);
}

}  // namespace
}  // namespace aface
