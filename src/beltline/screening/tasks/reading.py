"""How to read a report: the sentences that hold for every task, as Jinja templates of HTML."""

CLEAR_AND_NONE = """
<p><strong>CLEAR</strong>: every class stayed below its threshold. It does not mean that the bag is safe, only
that this model, at this operating point, saw nothing it knows.</p>
<p><strong>NO MACHINE RESULT</strong>: the model failed or was late, or nobody could judge the scan. The
operator decides, as if there were no machine.</p>
"""
THRESHOLDS = """
the small tick on it is the class's threshold. Thresholds were set so that at most
{{ '%g'|format(100 * report.operating_point.pfa) }} % of validation scans without any of the classes alarm,
for all {{ model.classes|length }} classes together; on scans of another kind expect another share.
"""
