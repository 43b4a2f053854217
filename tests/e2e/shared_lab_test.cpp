#include "e2e/shared_lab.h"

namespace sextant::e2e {
namespace {

class ForgetLab : public testing::Environment {
  void TearDown() override {
    SharedLab::forget();
    NodeFault::forget();
  }
};

const auto* const kForgetLab = testing::AddGlobalTestEnvironment(new ForgetLab);

}  // namespace
}  // namespace sextant::e2e
