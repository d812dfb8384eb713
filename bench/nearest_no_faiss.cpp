// In the place of nearest_faiss.cpp where FAISS is not installed.
#include "bench/nearest_contest.h"

namespace aface::bench {

std::vector<std::unique_ptr<Contestant>> faiss_contestants(std::size_t /*rows*/, int /*threads*/) { return {}; }

}  // namespace aface::bench
