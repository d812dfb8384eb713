// Embeddings that a program holds already, measured by our engines: no files, no LibTorch, plain arrays in.
#include <aface/core/error.h>
#include <aface/core/random.h>
#include <aface/eval/figure_table.h>
#include <aface/eval/identification.h>
#include <aface/eval/roc.h>
#include <aface/eval/weighted_roc.h>

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace {

constexpr std::size_t kDim = 64;
constexpr std::int32_t kPeople = 200, kEnrolled = 150;

// Stand-ins for the output of a network: four photos a person, scaled to length 1.
struct Photos {
  std::vector<float> values;
  std::vector<std::int32_t> people;
  std::vector<std::string> names;

  void add(std::int32_t person, int photo) {
    aface::Random face(1, static_cast<std::uint64_t>(person)),
        light(2, static_cast<std::uint64_t>(person * 10 + photo));
    std::vector<double> row(kDim);
    double squares = 0;
    for (double& value : row) {
      value = face.normal() + 1.5 * light.normal();
      squares += value * value;
    }
    for (const double value : row) values.push_back(static_cast<float>(value / std::sqrt(squares)));
    people.push_back(person);
    names.push_back("person " + std::to_string(person) + ", photo " + std::to_string(photo));
  }
  aface::NamedRows view() const {
    aface::NamedRows rows;
    rows.rows.rows = {values.data(), people.size(), kDim};
    rows.identities = people;
    rows.paths = names;
    return rows;
  }
};

}  // namespace

int main() {
  Photos gallery, probes;
  std::vector<std::string> people;
  for (std::int32_t person = 0; person < kPeople; ++person) {
    people.push_back("person " + std::to_string(person));
    if (person < kEnrolled) gallery.add(person, 0);
    for (int photo = 1; photo < 4; ++photo) probes.add(person, photo);
  }
  try {
    aface::IdentificationOptions options;
    options.fpir = {0.1, 0.01};
    std::fputs(to_table(evaluate_identification(probes.view(), gallery.view(), people, options)).c_str(),
               stdout);

    // Verification from scores alone: every two probes are a pair.
    std::vector<aface::PairScore> genuine, impostor;
    for (std::size_t i = 0; i < probes.people.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        float score = 0;
        for (std::size_t k = 0; k < kDim; ++k)
          score += probes.values[i * kDim + k] * probes.values[j * kDim + k];
        const auto a = static_cast<std::uint32_t>(probes.people[i]),
                   b = static_cast<std::uint32_t>(probes.people[j]);
        (a == b ? genuine : impostor).push_back({score, {a, b}});
      }
    }
    const aface::WeightedRoc roc(genuine, impostor, kPeople);
    std::fputs(aface::figure_table(far_figures(roc, {1e-2, 1e-3, 1e-6}, {})).c_str(), stdout);
  } catch (const aface::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return aface::exit_code(error.kind());
  }
  return 0;
}
