// The weight itself is what is trained: no coordinates, realize() is the identity.
#include "experiments/parametrization.hpp"

namespace isorbit::experiments::parametrizations {

Parametrization dense() {
  return {.name = "dense", .doc = "every entry of the weight is trained", .fields = {}};
}

}  // namespace isorbit::experiments::parametrizations
