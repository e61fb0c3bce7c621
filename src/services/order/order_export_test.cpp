#include "services/order/order_export.hpp"

#include <gtest/gtest.h>

#include "tests/support/fixed_board.hpp"

namespace market::order {
namespace {

std::string cell(std::string_view text) {
  std::string out;
  append_csv_text(out, text);
  return out;
}

TEST(OrderExport, QuotesAndCalculatesNothing) {
  EXPECT_EQ(cell("Bag"), "\"Bag\"");
  EXPECT_EQ(cell("a \"b\", c\nd"), "\"a \"\"b\"\", c\nd\"");
  for (const char* evil : {"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\n=1", "＝1", "＋1", "－1", "＠SUM(A1)",
                           "  =1", "\u00A0=1", "\u3000 ＝1"})
    EXPECT_EQ(cell(evil), "\"'" + std::string(evil) + "\"");
  EXPECT_EQ(cell(""), "\"\"");
}

TEST(OrderExport, ARowForEachLine) {
  tests::FixedBoard board;
  board.list(ProductId{5}, {}, 1, {"=Bag", "", "", ""});
  Order order;
  order.id = OrderId{1};
  order.user = UserId{2};
  order.total = Money{30, {}};
  order.lines = {OrderLine{ProductId{5}, 1, 2, Money{10, {}}, 7},
                 OrderLine{ProductId{5}, 1, 1, Money{10, {}}, 0}};
  std::string out = csv_head();
  append_csv(out, order, board);
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 3);
  EXPECT_NE(out.find("\"'=Bag\",2,10,KRW,7,30\r\n"), std::string::npos) << out;
  EXPECT_NE(out.find("\"'=Bag\",1,10,KRW,,30\r\n"), std::string::npos) << out;
}

}  // namespace
}  // namespace market::order
