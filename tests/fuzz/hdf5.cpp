// Any bytes under a seal that holds, as the record of a run. This is mostly HDF5's own reading of damaged
// files, which has faults of its own: a seal is what keeps damage from it. A crash inside the library is not
// ours to mend, so the kept inputs are those that it survives.
#include <new>

#include "core/record/run_file.hpp"
#include "tests/fuzz/scratch.hpp"

namespace isorbit::fuzz {

void hdf5(Input input) {
  const std::filesystem::path file = sealed_file("any.h5", text_of(input));
  try {
    (void)core::read_run(file);
  } catch (const std::runtime_error&) {
    return;
  } catch (const std::bad_alloc&) {  // asked for by the library itself
    return;
  }
}

}  // namespace isorbit::fuzz
