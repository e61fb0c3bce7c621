#include "services/platform/service_view.hpp"

#include <gtest/gtest.h>

namespace market::platform {
namespace {

TEST(ServiceView, IsEmptyWithoutARegistry) {
  EXPECT_EQ(service_view(nullptr, {}), R"({"registry":null,"items":[],"leftOut":[]})");
}

TEST(ServiceView, WritesWhatOthersCalledThemselvesAsText) {
  ServiceList list;
  ServiceInstance instance;
  instance.id = "\"><b>1";
  instance.host = "10.0.0.1";
  instance.port = 8081;
  instance.status = InstanceStatus::out_of_service;
  list.services["shop\n"].push_back(instance);
  list.left_out.assign(1, "other: an instance listens with TLS alone");
  RegistryView registry;
  registry.url = "http://127.0.0.1:8761/eureka/";
  registry.reached = true;
  EXPECT_EQ(service_view(&registry, list),
            R"({"registry":{"url":"http://127.0.0.1:8761/eureka/","reached":true,"registered":false,)"
            R"("pushed":false,"trouble":""},"items":[{"service":"shop\n","id":"\"><b>1","host":"10.0.0.1",)"
            R"("port":8081,"zone":"","status":"OUT_OF_SERVICE"}],)"
            R"("leftOut":["other: an instance listens with TLS alone"]})");
}

}  // namespace
}  // namespace market::platform
