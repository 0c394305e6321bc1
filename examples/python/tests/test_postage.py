import unittest

from parcels.postage import label, postage


class Postage(unittest.TestCase):
    def test_small_parcels(self):
        self.assertEqual(postage(0), 490)
        self.assertEqual(postage(2000), 490)

    def test_middle_parcels(self):
        self.assertEqual(postage(2001), 690)


class Label(unittest.TestCase):
    def test_begins_with_the_name(self):
        self.assertTrue(label("Ada", "Lane 1", "York").startswith("Ada\n"))

    def test_has_one_line_each(self):
        self.assertEqual(label("Ada", "Lane 1", "York"), "Ada\nLane 1\nYork")


if __name__ == "__main__":
    unittest.main()
