"""Where the nodes of a map stand: from the graph alone, the same each time.

A star is drawn as one. Else the shortest way from the first host to the last is a row; each further way that leaves it and
comes back gets a row above or below; what hangs on a single cable stands outside. Parts that no cable joins stand below.
"""
from collections import deque

WIDE, NARROW, ROW, GAP, MARGIN = 760, 360, 88, 30, 12       # px; GAP is at least between two nodes that are beside each other


def places(nodes, pairs, half, narrow=False):
    """({name: (x, y)}, the names of those whose cables leave above or below, the width that this takes).

    `pairs` are the cables' ends, `half` is half of each node's width and height. The narrow form goes from top to bottom.
    """
    room = NARROW if narrow else WIDE
    near = {node.name: [] for node in nodes}
    for a, b in pairs:
        if b not in near[a]:
            near[a].append(b)
            near[b].append(a)
    hosts, spots, upright, width, top = {node.name for node in nodes if not node.is_router}, {}, set(), room, MARGIN
    parts = _parts(near)
    alone = [name for part in parts if len(part) == 1 for name in part]
    for part in [part for part in parts if len(part) > 1] + [alone] * bool(alone):
        if part is alone:
            found, up = _shelf(part, half, room), set()
        elif (centre := _centre(part, near)):
            found, up = _star(centre, sorted(set(part) - {centre}, key=list(near).index), half, room, narrow)
        else:
            found, up = _rows(_grid(part, near, hosts), half, room, narrow), set(part) if narrow else set()
        left = min(x - half[name][0] for name, (x, _) in found.items())
        right = max(x + half[name][0] for name, (x, _) in found.items())
        high = min(y - half[name][1] for name, (_, y) in found.items())
        wanted = max(room, right - left + 2 * MARGIN)
        aside = (wanted - right - left) / 2
        spots |= {name: (x + aside, y - high + top) for name, (x, y) in found.items()}
        upright, width = upright | up, max(width, wanted)
        top = max(spots[name][1] + half[name][1] for name in found) + 46
    return spots, upright, width


def _parts(near):
    """The names in groups that cables join, each in the order of `near`."""
    groups, seen = [], set()
    for name in near:
        if name not in seen:
            group, waiting = {name}, [name]
            while waiting:
                fresh = [other for other in near[waiting.pop()] if other not in group]
                group.update(fresh)
                waiting += fresh
            seen |= group
            groups.append([each for each in near if each in group])
    return groups


def _shelf(names, half, room):
    """Beside each other, in as many rows as that takes."""
    found, x, y = {}, 0, 0
    for name in names:
        if x and x + 2 * half[name][0] > room - 2 * MARGIN:
            x, y = 0, y + ROW
        found[name] = x + half[name][0], y
        x += 2 * half[name][0] + GAP
    return found


# --- a star ----------------------------------------------------------------------------------------------------------

def _centre(part, near):
    """The node that all others of three or more hang on, and on nothing else; None where there is none."""
    return next((name for name in part if len(part) > 3 and len(near[name]) == len(part) - 1
                 and all(near[other] == [name] for other in near[name])), None)


def _star(centre, others, half, room, narrow):
    """Around it: the first at the left, the last at the right, the rest above and below; in the narrow form two columns."""
    wide, high = (max(half[name][n] for name in others) for n in (0, 1))
    if narrow:
        middle = (len(others) + 1) // 2
        columns, step = (others[:middle], others[middle:]), 2 * high + 12
        tall = step * middle
        spots = {name: (x, tall * (n + .5) / len(column)) for x, column in zip((wide, room - 2 * MARGIN - wide), columns)
                 for n, name in enumerate(column)}
        return {**spots, centre: (room / 2 - MARGIN, tall / 2)}, set()
    in_row = max(1, int((room - 2 * MARGIN + GAP / 2) // (2 * wide + GAP / 2)))
    beside = max(1, -(-(len(others) - 2 * in_row) // 2))        # at each side
    left, inner, right = others[:beside], others[beside:len(others) - beside], others[len(others) - beside:]
    above, below = inner[:(len(inner) + 1) // 2], inner[(len(inner) + 1) // 2:]
    sides = max(2 * (half[centre][1] + 16), beside * (2 * high + 12))
    y_above, middle, y_below = high, 2 * high + 26 + sides / 2, 3 * high + 52 + sides
    if not above:
        y_above = middle
    inside = room - 2 * MARGIN
    spots = {centre: (inside / 2, middle)}
    for row, y in ((above, y_above), (below, y_below)):
        pitch = min(inside / max(1, len(row)), 2 * wide + 90)
        spots |= {name: (inside / 2 + pitch * (n - (len(row) - 1) / 2), y) for n, name in enumerate(row)}
    for column, x in ((left, wide), (right, inside - wide)):
        spots |= {name: (x, middle + (n - (len(column) - 1) / 2) * (2 * high + 12)) for n, name in enumerate(column)}
    return spots, {*above, *below}


# --- ways ------------------------------------------------------------------------------------------------------------

def _grid(part, near, hosts):
    """{name: (column, row)}, neither of them a whole number always."""
    ends = [name for name in part if name in hosts] or part
    first, last = ends[0], ends[-1]
    spine = _way(first, {last}, near, set(part) - {last}) if first != last else [first]
    spots = {name: (float(n), 0) for n, name in enumerate(spine)}
    while len(spots) < len(part):
        free = set(part) - set(spots)
        ways = [found for name in spots if (found := _way(name, set(spots) - {name}, near, free, direct=False))]
        if ways:
            a, *inner, b = min(ways, key=lambda way: (len(way), -abs(spots[way[0]][0] - spots[way[-1]][0])))
            low, high = spots[a][0], spots[b][0]
            if abs(high - low) < .5:            # both ends stand above each other
                low, high = (low - .5, high + .5)
            columns = [low + (high - low) * n / (len(inner) + 1) for n in range(1, len(inner) + 1)]
            beside = round((spots[a][1] + spots[b][1]) / 2)
        else:                                   # it hangs on one cable
            a, name = next((a, name) for a in spots for name in near[a] if name in free)
            middle = (min(x for x, _ in spots.values()) + max(x for x, _ in spots.values())) / 2
            x, beside = spots[a]
            inner, columns = [name], [x + (x > middle) - (x < middle)]
        row = next(row for row in _rows_near(round(beside)) if not any(
            r == row and abs(x - column) < .6 for x, r in spots.values() for column in columns))
        spots |= {name: (column, row) for name, column in zip(inner, columns)}
    for end in (first, last):                   # where ways meet: in the middle of them
        rows, (column, _) = [spots[name][1] for name in near[end]], spots[end]
        middle = (min(rows) + max(rows)) / 2
        others = [spot for name, spot in spots.items() if name != end]
        if len(rows) > 1 and not any(abs(column - x) < .6 and abs(middle - row) < 1 for x, row in others):
            spots[end] = column, middle
    return spots


def _rows_near(row):
    """This row, the one above, the one below, the next above, …"""
    yield row
    for far in range(1, 1000):
        yield from (row - far, row + far)


def _way(start, goals, near, through, direct=True):
    """The shortest way from `start` to one of `goals` by nodes of `through`, both ends with it; None where there is none.

    Without `direct`, at least one node lies between.
    """
    waiting, before = deque([start]), {start: None}
    while waiting:
        name = waiting.popleft()
        for other in near[name]:
            if other in goals and (direct or name != start):
                passed = [other, name]
                while before[passed[-1]] is not None:
                    passed.append(before[passed[-1]])
                return passed[::-1]
            if other in through and other not in before:
                before[other] = name
                waiting.append(other)
    return None


def _rows(grid, half, room, narrow):
    """The places of a grid in px: columns from left to right, or from top to bottom in the narrow form."""
    columns, rows = ([spot[n] for spot in grid.values()] for n in (0, 1))
    first, long, top = min(columns), max(columns) - min(columns), min(rows)
    across = int(narrow)
    need = 60.0
    for name, (x, row) in grid.items():         # px for a column: so that none of a row touches the next
        for other, (after, its_row) in grid.items():
            if after > x and abs(row - its_row) < 1:
                need = max(need, (half[name][across] + half[other][across] + (60 if narrow else GAP)) / (after - x))
    edge = max(w for w, _ in half.values())
    if narrow:
        between = max((max(rows) - top) or 1, 1)
        step = max(2 * edge + 12, min(150, (room - 2 * MARGIN - 2 * edge) / between))
        return {name: ((row - top) * step, (x - first) * need) for name, (x, row) in grid.items()}
    ends = [max((half[name][0] for name, (x, _) in grid.items() if x == column), default=0) for column in (first, first + long)]
    step = max(need, (room - 2 * MARGIN - sum(ends)) / (long or 1)) if long else 0
    step = min(step, max(need, 300))
    return {name: ((x - first) * step, (row - top) * ROW) for name, (x, row) in grid.items()}
