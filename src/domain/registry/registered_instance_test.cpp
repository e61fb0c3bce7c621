#include "domain/registry/registered_instance.hpp"

#include <gtest/gtest.h>

namespace market::registry {
namespace {

TEST(RegisteredInstance, NamesAreThoseOfEureka) {
  for (const Status status :
       {Status::up, Status::down, Status::starting, Status::out_of_service, Status::unknown})
    EXPECT_EQ(parse_status(name_of(status)), status);
  for (const auto* wrong : {"", "up", "UP ", "OUT OF SERVICE"}) EXPECT_EQ(parse_status(wrong), std::nullopt);
  EXPECT_EQ(name_of(Action::added), "ADDED");
  EXPECT_EQ(name_of(Action::modified), "MODIFIED");
  EXPECT_EQ(name_of(Action::deleted), "DELETED");
}

TEST(RegisteredInstance, KeyIsTheIdElseAmazonsElseTheHost) {
  RegisteredInstance instance;
  instance.host = "shop-1";
  EXPECT_EQ(instance.key(), "shop-1");
  instance.data_center.metadata = Metadata{{"instance-id", "i-7"}};
  EXPECT_EQ(instance.key(), "shop-1") << "the id of a data center that is not Amazon's means nothing";
  instance.data_center.java_class = DataCenter::amazon_class;
  EXPECT_EQ(instance.key(), "i-7");
  instance.data_center.metadata = Metadata{{"instance-id", ""}};
  EXPECT_EQ(instance.key(), "shop-1");
  instance.data_center.metadata = Metadata{{"ami-id", "a"}};
  EXPECT_EQ(instance.key(), "shop-1");
  instance.data_center.metadata = std::nullopt;
  EXPECT_EQ(instance.key(), "shop-1");
  instance.id = "";
  EXPECT_EQ(instance.key(), "shop-1") << "an empty id is none";
  instance.id = "shop-1:8080";
  EXPECT_EQ(instance.key(), "shop-1:8080");
}

TEST(RegisteredInstance, ZoneIsItsOwnWordElseAmazons) {
  RegisteredInstance instance;
  EXPECT_EQ(zone_of(instance), "");
  instance.data_center.metadata = Metadata{{"instance-id", "i-7"}};
  EXPECT_EQ(zone_of(instance), "");
  (*instance.data_center.metadata)["availability-zone"] = "us-east-1a";
  EXPECT_EQ(zone_of(instance), "us-east-1a");
  instance.metadata["zone"] = "b";
  EXPECT_EQ(zone_of(instance), "b");
}

TEST(RegisteredInstance, MetadataHasAsManyEntriesAndBytesAsItMay) {
  Metadata metadata;
  for (std::size_t i = 0; i < metadata_entries_max; ++i) metadata[std::to_string(i)] = "";
  EXPECT_TRUE(check_metadata(metadata));
  metadata["more"] = "";
  const auto many = check_metadata(metadata);
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().code, Code::payload_too_large);
  EXPECT_NE(many.error().detail.find("metadata_entries_max"), std::string::npos);
  metadata = {{"key", std::string(metadata_bytes_max - 3, 'v')}};
  EXPECT_TRUE(check_metadata(metadata));
  metadata["key"] += 'v';
  const auto large = check_metadata(metadata);
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, Code::payload_too_large);
  EXPECT_NE(large.error().detail.find("metadata_bytes_max"), std::string::npos);
}

/// As the wordiest answer has it: XML writes `&` as `&amp;`, and an entry costs its marks too.
TEST(RegisteredInstance, CostsWhatItTakesAtMost) {
  RegisteredInstance plain;
  plain.host = "aaaaaa";
  for (const char escaped : {'&', '<', '>', '"', '\\', '\n'}) {
    RegisteredInstance instance = plain;
    instance.host[0] = escaped;
    EXPECT_EQ(cost_of(instance), cost_of(plain) + 4) << escaped;
  }
  RegisteredInstance asked = plain;
  asked.vip = "shop";
  EXPECT_EQ(cost_of(asked), cost_of(plain) + 4);
  RegisteredInstance amazon = plain;
  amazon.data_center.metadata = Metadata{{"ami-id", "a"}};
  RegisteredInstance own = plain;
  own.metadata = *amazon.data_center.metadata;
  EXPECT_GT(cost_of(amazon), cost_of(plain) + 100);
  EXPECT_EQ(cost_of(amazon), cost_of(own));
}

TEST(RegisteredInstance, ApplicationsAreInUpperCaseOfAsciiAlone) {
  EXPECT_EQ(upper("market-shop_2"), "MARKET-SHOP_2");
  EXPECT_EQ(upper("{`az@é"), "{`AZ@é");
}

}  // namespace
}  // namespace market::registry
